-- Maintenance that comes again; the job `plan-maintenance` turns each occurrence into an excused span.
create table maintenance_schedules (
  id integer generated always as identity primary key,
  -- names a schedule of the settings file; null for one that was made by command or API
  name text unique,
  cron text not null,
  time_zone text not null,
  duration_seconds integer not null check (duration_seconds > 0),
  domain text,
  app text,
  stream text,
  reason text not null,
  author text not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  -- occurrences before this instant have their excused span
  planned_until timestamptz not null
);
create table maintenance_occurrences (
  schedule_id integer not null references maintenance_schedules (id),
  from_at timestamptz not null,
  excused_span_id integer references excused_spans (id),
  primary key (schedule_id, from_at)
);
