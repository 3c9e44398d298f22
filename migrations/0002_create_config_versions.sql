-- A config as it stood from valid_from until the next version of the same (domain, app).
create table config_versions (
  id integer generated always as identity primary key,
  domain text not null,
  app text not null,
  valid_from timestamptz not null,
  -- true: from here on there was no config
  absent boolean not null default false,
  interval_seconds integer,
  bucket text,
  endpoint text,
  sequence_object text,
  overwrite_object text,
  callback text,
  -- observed: seen at the vendor; applied: our own write
  source text not null check (source in ('observed', 'applied')),
  recorded_at timestamptz not null default now(),
  unique (domain, app, valid_from)
);
