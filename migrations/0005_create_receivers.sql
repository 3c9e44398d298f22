-- Spans in which a receiver could accept and commit callbacks. A receiver extends its newest row; a gap between rows is a
-- span without its heartbeat. Where no receiver has a row, we were blind.
create table heartbeats (
  receiver_id uuid not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  host text not null,
  -- when a request from outside (a callback, the canary) last came through; null: none yet
  proven_at timestamptz,
  primary key (receiver_id, from_at)
);
create index heartbeats_to_at on heartbeats (to_at);

-- Blindness with a reason of its own (the canary did not come back), besides the spans without heartbeats.
create table blind_spans (
  id integer generated always as identity primary key,
  from_at timestamptz not null,
  to_at timestamptz,
  reason text not null
);
