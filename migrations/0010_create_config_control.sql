-- What stood at the vendor before our first change of a subject, so that restore can put it back.
create table config_baselines (
  domain text not null,
  kind text not null check (kind in ('config', 'callback_auth', 'push_notify')),
  -- '' for the kinds that have no app
  app text not null default '',
  -- null: nothing stood there
  former jsonb,
  -- the former key, sealed with ours (adapters/postgres/sealed-text.ts)
  sealed_key text,
  remembered_at timestamptz not null,
  primary key (domain, kind, app)
);

-- The state of each config, key and push URL as the last look found it.
create table config_states (
  domain text not null,
  kind text not null check (kind in ('config', 'callback_auth', 'push_notify')),
  app text not null default '',
  state text not null check (state in ('in_sync', 'drifted', 'pending_reingest', 'missing', 'unmanaged', 'unknown')),
  since timestamptz not null,
  looked_at timestamptz not null,
  -- since when it differs from the settings; kept while we cannot look
  drifted_since timestamptz,
  -- fields that differ, desired and actual; keys as words only
  differences jsonb not null default '[]',
  -- healing has ended: somebody else keeps changing it
  stopped_at timestamptz,
  primary key (domain, kind, app)
);

-- Heals that enforce mode tried; bounds how often it tries again.
create table config_heals (
  id bigint generated always as identity primary key,
  domain text not null,
  kind text not null,
  app text not null default '',
  at timestamptz not null,
  outcome text not null check (outcome in ('healed', 'failed')),
  detail text
);
create index config_heals_subject on config_heals (domain, kind, app, at);

-- Since when which callback key stands at the vendor; a session signs with the key that stood when it started.
create table callback_key_changes (
  domain text not null,
  kind text not null check (kind in ('callback_auth', 'push_notify')),
  at timestamptz not null,
  -- tells keys apart without holding them; null: no key
  key_digest text,
  source text not null check (source in ('observed', 'applied')),
  primary key (domain, kind, at)
);

-- The call allowance at the vendor, shared by all replicas: when the next call of an action may be made.
create table vendor_call_slots (
  action text primary key,
  next_free_at timestamptz not null
);
