-- What the bodies of one kind have in common: key names, bucket, endpoint, template, timestamp unit (core/capture-shape.ts).
create table capture_shapes (
  id integer generated always as identity primary key,
  fingerprint text not null unique,
  shape jsonb not null
);

-- One row a capture that we were told of (or that backfill restored). Widest first and nothing nullable: a row without `rest`
-- takes 56 bytes, and a null bitmap for nine columns would cost eight more.
create table captures (
  captured_at timestamptz not null,
  -- received_at - captured_at; means nothing where only backfill speaks for the capture (flags)
  delay_ms integer not null,
  stream_id integer not null,
  -- the {Sequence} where the template has one, else a hash of bucket and object name: tells captures of one instant apart
  discriminator integer not null,
  shape_id integer not null,
  -- 0 where only backfill speaks for it
  deliveries smallint not null default 1,
  -- bits: core/capture-flags.ts
  flags smallint not null default 0,
  -- what the body said minus captured_at, where the shape says that the body told an instant
  told_ms smallint not null default 0,
  -- JSON: the object name where the template does not reproduce it, unknown body fields; empty where there is nothing. Text,
  -- not jsonb: an empty one takes one byte, and it gives back every character that came.
  rest text not null default '',
  primary key (stream_id, captured_at, discriminator)
) partition by range (captured_at);

-- Days whose partition a job has rewritten in stream order. `late_rows`: what came after, until the next sealing.
create table sealed_days (
  day date primary key,
  sealed_at timestamptz not null,
  row_count bigint not null
);
