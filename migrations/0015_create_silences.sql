-- No notifications for what matches, until then. null: any.
create table silences (
  id integer generated always as identity primary key,
  kind text,
  domain text,
  app text,
  stream text,
  from_at timestamptz not null,
  until_at timestamptz not null,
  reason text not null,
  author text not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  ended_by text,
  check (from_at < until_at)
);
create index silences_until_at on silences (until_at);
