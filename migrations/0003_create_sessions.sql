-- What was said about publishing, as it came; sessions are derived from it by a pure function.
create table session_signals (
  stream_id integer not null references streams (id),
  at timestamptz not null,
  -- publish | publish_done | online | listed
  kind text not null,
  -- when the signal reached us
  seen_at timestamptz not null,
  -- start and stop of the publish where the signal names them
  started_at timestamptz,
  ended_at timestamptz,
  push_domain text,
  primary key (stream_id, at, kind)
);

create table sessions (
  stream_id integer not null references streams (id),
  started_at timestamptz not null,
  ended_at timestamptz,
  -- announced: publish callback; listed: online or publish list; inferred: only captures speak for it
  certainty text not null check (certainty in ('announced', 'listed', 'inferred')),
  end_certain boolean not null default false,
  updated_at timestamptz not null default now(),
  primary key (stream_id, started_at)
);
create index sessions_running on sessions (stream_id) where ended_at is null;
