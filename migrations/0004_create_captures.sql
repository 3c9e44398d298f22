-- What the bodies of one kind have in common: key names, bucket, endpoint, template, timestamp unit.
create table capture_shapes (
  id integer generated always as identity primary key,
  fingerprint text not null unique,
  shape jsonb not null
);

-- One row a capture that we were told of (or that backfill restored). Ids and numbers first, text only where needed.
create table captures (
  captured_at timestamptz not null,
  stream_id integer not null,
  -- 0 where the template reproduces the object name, else a hash of it: tells captures of one instant apart
  discriminator integer not null default 0,
  -- received_at - captured_at; null where no callback came (restored by backfill)
  delay_ms integer,
  shape_id integer not null,
  deliveries smallint not null default 1,
  -- bits: see capture-flags.ts
  flags smallint not null default 0,
  sequence integer,
  -- the object name, only where the shape's template does not reproduce it
  object text,
  -- unknown body fields, only where there were any
  extra jsonb,
  primary key (stream_id, captured_at, discriminator)
) partition by range (captured_at);
