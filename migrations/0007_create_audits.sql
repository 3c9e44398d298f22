-- One row a run of the auditor over one domain: what it looked at and what it cost.
create table audits (
  id bigint generated always as identity primary key,
  domain text not null,
  app text,
  -- audit: what is new (and what late evidence touches); backfill: a past range, restored from index and OSS
  kind text not null default 'audit' check (kind in ('audit', 'backfill')),
  from_at timestamptz not null,
  to_at timestamptz not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  -- running | done | failed (could not look)
  status text not null check (status in ('running', 'done', 'failed')),
  -- one sentence for people; set where something could not be looked at
  error text,
  streams integer not null default 0,
  list_calls integer not null default 0,
  head_calls integer not null default 0,
  index_calls integer not null default 0,
  keys bigint not null default 0,
  captures bigint not null default 0,
  restored bigint not null default 0,
  seconds double precision
);
create index audits_started_at on audits (started_at);

-- Where the audit of a stream stands. state: the judge's resumable state and the hours and gaps that may still change.
create table watermarks (
  stream_id integer primary key references streams (id),
  audited_until timestamptz not null,
  last_key text,
  state jsonb not null,
  -- compare-and-set: whoever judged from version n writes n + 1, and a second one finds n gone
  version integer not null default 1,
  updated_at timestamptz not null default now()
);

-- Earlier states to judge again from, when late evidence comes.
create table judge_states (
  stream_id integer not null,
  at timestamptz not null,
  state jsonb not null,
  primary key (stream_id, at)
);

-- Evidence that came after its slots were judged: the next audit judges the stream again from here on, then removes the row.
-- Written by whoever stores such evidence (a late callback, a refined session, an excused span, a backfill).
create table late_evidence (
  stream_id integer not null,
  id bigint generated always as identity,
  from_at timestamptz not null,
  -- kebab-case, for people: late-callback | session-changed | excused | blindness-changed | backfilled
  reason text not null,
  primary key (stream_id, id)
);

-- The blind spans that the last audit judged with: where they change afterwards, the streams are judged again.
create table judged_blind_spans (
  from_at timestamptz not null primary key,
  to_at timestamptz not null
);

-- Blind spans that were backfilled by ourselves, so that each is backfilled once.
create table backfilled_spans (
  from_at timestamptz not null primary key,
  to_at timestamptz not null
);

-- Maximal runs of bad (or unknown, or excused) slots of one session with one verdict and cause.
create table gaps (
  stream_id integer not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  session_started_at timestamptz,
  verdict text not null,
  cause text,
  mode text not null default 'sequence' check (mode in ('sequence', 'overwrite')),
  slots integer not null,
  -- true while the run may still grow or change
  open boolean not null,
  -- why a slot is excused
  reason text,
  -- object names and facts of the first slots of the run, for people
  evidence jsonb,
  audit_id bigint,
  -- how far the audit had come when this run became final; null while it may still change
  final_at timestamptz,
  updated_at timestamptz not null default now(),
  primary key (stream_id, from_at, verdict, mode)
);
create index gaps_from_at on gaps (from_at);
create index gaps_updated_at on gaps (updated_at);

-- Slots per stream, session, mode and hour, by verdict. A good capture costs nothing else.
create table slot_hours (
  stream_id integer not null,
  hour timestamptz not null,
  session_started_at timestamptz not null,
  mode text not null default 'sequence' check (mode in ('sequence', 'overwrite')),
  pending integer not null default 0,
  ok integer not null default 0,
  late integer not null default 0,
  callback_missing integer not null default 0,
  object_missing integer not null default 0,
  not_captured integer not null default 0,
  misnamed integer not null default 0,
  unexpected integer not null default 0,
  excused integer not null default 0,
  unknown integer not null default 0,
  primary key (stream_id, hour, session_started_at, mode)
);
create index slot_hours_hour on slot_hours (hour);

-- Object keys that no template explains, by prefix and count.
create table foreign_keys (
  bucket text not null,
  prefix text not null,
  count bigint not null,
  -- the example that people see; never a list
  example text,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  primary key (bucket, prefix)
);
