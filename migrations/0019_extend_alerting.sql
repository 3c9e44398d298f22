-- What the other side of a channel said last, and how many messages in a row: a channel that takes none is switched off.
alter table channel_states
  -- it asked for a pause: nothing goes to it until then
  add column paused_until timestamptz,
  add column outcome text check (outcome in ('taken', 'partly', 'rejected')),
  add column in_a_row integer not null default 0;

-- unreported: whoever reported it is silent, so nobody knows whether it is good again
alter table incidents
  drop constraint incidents_resolution_check,
  add constraint incidents_resolution_check check (resolution in ('recovered', 'withdrawn', 'folded', 'unreported'));
