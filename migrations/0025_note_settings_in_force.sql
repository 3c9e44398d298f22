-- What each domain was last asked to be, by apply, by a rotation of the key or by the start of a service: a service that was started with
-- other settings must not put a config back to them.
create table settings_in_force (
  domain text primary key,
  -- SHA-256 over the settings; of keys it holds digests only
  digest text not null,
  noted_at timestamptz not null
);
