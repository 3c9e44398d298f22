-- One row a channel and event. Several rows that went out together (a digest) share a message_id.
create table notifications (
  id bigint generated always as identity primary key,
  channel text not null,
  incident_id bigint references incidents (id),
  -- opened | reopened | resolved | updated | repeat | test
  event text not null,
  -- makes creating twice harmless: unique per channel
  cause_key text not null,
  status text not null default 'pending'
    check (status in ('pending', 'sending', 'sent', 'failed', 'superseded', 'silenced')),
  created_at timestamptz not null,
  due_at timestamptz not null,
  attempts integer not null default 0,
  -- `sending`: whoever claimed it must have finished by then, else it counts as not sent
  claimed_until timestamptz,
  -- stays the same over retries, so that a channel which knows ids can drop a repeat
  message_id uuid,
  sent_at timestamptz,
  error text,
  -- first line of what was sent
  summary text,
  unique (channel, cause_key)
);
create index notifications_due on notifications (channel, due_at) where status in ('pending', 'sending');
create index notifications_sent on notifications (channel, sent_at) where status = 'sent';
create index notifications_incident on notifications (incident_id);
create index notifications_created_at on notifications (created_at, id);

-- A channel that failed for good is off until its settings change or a test gets through.
create table channel_states (
  channel text primary key,
  -- hash of its settings, never the settings
  fingerprint text not null,
  disabled_at timestamptz,
  disabled_reason text
);
