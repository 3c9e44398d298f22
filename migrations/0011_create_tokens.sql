-- API tokens: only their SHA-256 is kept. A token itself is shown once, when it is made.
create table tokens (
  id integer generated always as identity primary key,
  name text not null,
  scope text not null check (scope in ('read', 'operate', 'admin')),
  -- prefix and first characters, to recognise a token by
  hint text not null,
  hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);

-- Every write that came over the API or a command.
create table operator_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  target text not null,
  detail jsonb,
  status integer,
  remote_address text
);
create index operator_log_at on operator_log (at);
