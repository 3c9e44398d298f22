-- What was said about publishing, as it came; sessions are derived from it by a pure function. publish and publish_done: one
-- row each, at the instant that they name. online and listed: one row per publish, at its publish time; ended_at of online is the
-- first poll that no longer saw the stream.
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
  -- when this row last said something new (a poll that sees the same again only moves seen_at)
  changed_at timestamptz not null default now(),
  primary key (stream_id, at, kind)
);
create index session_signals_changed_at on session_signals (changed_at);
create index session_signals_online on session_signals (stream_id) where kind = 'online' and ended_at is null;

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
