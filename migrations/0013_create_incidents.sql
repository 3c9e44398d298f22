-- What people are told about. One live (not resolved) incident per track, scope and key: the index at the end holds it.
create table incidents (
  id bigint generated always as identity primary key,
  -- silence and gap share the track `delivery`: a confirmed silence becomes a gap without a second incident
  track text not null,
  kind text not null,
  -- null app or stream (or domain): all of them
  domain text,
  app text,
  stream text,
  -- tells incidents of one kind and scope apart, e.g. the name of a channel
  key text not null default '',
  status text not null check (status in ('open', 'acknowledged', 'resolved')),
  severity text not null check (severity in ('critical', 'warning', 'info')),
  -- when the trouble began, by the facts
  since timestamptz not null,
  opened_at timestamptz not null,
  updated_at timestamptz not null,
  -- since when the facts are good again; resolved once that has lasted
  clear_since timestamptz,
  resolved_at timestamptz,
  resolution text check (resolution in ('recovered', 'withdrawn', 'folded')),
  -- the audit has confirmed what the watchdog suspected
  confirmed_at timestamptz,
  -- streams: how many of how many
  affected integer not null,
  total integer not null,
  -- slots: how many of how many, where they can be counted
  missed integer,
  expected integer,
  cause text,
  facts jsonb not null default '{}',
  -- instants (ms since the epoch) at which it was opened again, the last ones
  reopenings jsonb not null default '[]',
  folded_into bigint references incidents (id),
  acknowledged_at timestamptz,
  acknowledged_by text,
  acknowledged_until timestamptz,
  acknowledge_reason text
);
create unique index incidents_live on incidents (track, domain, app, stream, key) nulls not distinct
  where status <> 'resolved';
create index incidents_resolved_at on incidents (resolved_at) where status = 'resolved';
create index incidents_opened_at on incidents (opened_at, id);
create index incidents_folded_into on incidents (folded_into) where folded_into is not null;

-- Every change of an incident, in order. Notification reads these rows.
create table incident_transitions (
  id bigint generated always as identity primary key,
  incident_id bigint not null references incidents (id),
  at timestamptz not null,
  kind text not null,
  -- a person's name, or `snapaudit`
  actor text not null,
  reason text,
  details jsonb not null default '{}'
);
create index incident_transitions_incident on incident_transitions (incident_id, id);

-- Gaps that alerting has seen, and the incident that tells of each (null: not told yet).
create table incident_gaps (
  stream_id integer not null,
  from_at timestamptz not null,
  verdict text not null,
  mode text not null,
  first_seen_at timestamptz not null,
  incident_id bigint references incidents (id),
  primary key (stream_id, from_at, verdict, mode)
);
create index incident_gaps_incident on incident_gaps (incident_id);
create index incident_gaps_untold on incident_gaps (first_seen_at) where incident_id is null;

-- What other parts of the service report (drift, two callbacks, a spool that does not drain): one row a condition.
create table findings (
  kind text not null,
  domain text,
  app text,
  stream text,
  key text not null default '',
  active boolean not null,
  since timestamptz not null,
  cause text,
  facts jsonb not null default '{}',
  reported_at timestamptz not null
);
create unique index findings_condition on findings (kind, domain, app, stream, key) nulls not distinct;
create index findings_active on findings (kind) where active;

-- Watermarks of alerting, e.g. until when gaps were read.
create table alerting_progress (
  name text primary key,
  at timestamptz not null
);
