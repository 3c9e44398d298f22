-- Requests that were rejected or could not be understood. Bounded by the receiver.
create table quarantine (
  id bigint generated always as identity primary key,
  received_at timestamptz not null,
  -- rejected: the signature; unclassified: the body; implausible: e.g. a time before 2016
  kind text not null check (kind in ('rejected', 'unclassified', 'implausible')),
  -- kebab-case, e.g. signature-mismatch
  reason text not null,
  remote_address text,
  headers jsonb not null default '{}',
  body bytea not null,
  -- readable parts, where there were any
  domain text,
  app text,
  stream text,
  object text,
  retried_at timestamptz,
  outcome text
);
create index quarantine_received_at on quarantine (received_at);
create index quarantine_object on quarantine (object) where object is not null;
