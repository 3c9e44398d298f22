-- Maintenance and pauses: bad slots inside become excused. null app or stream: all of them.
create table excused_spans (
  id integer generated always as identity primary key,
  from_at timestamptz not null,
  to_at timestamptz not null,
  domain text,
  app text,
  stream text,
  reason text not null,
  author text not null,
  created_at timestamptz not null default now(),
  cancelled_at timestamptz,
  check (from_at < to_at)
);
