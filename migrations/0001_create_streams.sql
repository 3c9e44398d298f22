-- Small enough to be a reference table: every table that grows with streams or time refers to it by stream_id.
create table streams (
  id integer generated always as identity primary key,
  domain text not null,
  app text not null,
  stream text not null,
  first_seen_at timestamptz not null default now(),
  unique (domain, app, stream)
);
