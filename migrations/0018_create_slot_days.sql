-- Slots per stream and day (UTC), all sessions and modes together: the sums of slot_hours, so that a month is read from 31 rows
-- a stream. Written in the transaction that writes the hours (adapters/postgres/sum-days.ts).
create table slot_days (
  stream_id integer not null,
  day timestamptz not null,
  pending bigint not null,
  ok bigint not null,
  late bigint not null,
  callback_missing bigint not null,
  object_missing bigint not null,
  not_captured bigint not null,
  misnamed bigint not null,
  unexpected bigint not null,
  excused bigint not null,
  unknown bigint not null,
  primary key (stream_id, day)
);

insert into slot_days
select stream_id, date_bin('1 day', hour, 'epoch'), sum(pending), sum(ok), sum(late), sum(callback_missing), sum(object_missing),
  sum(not_captured), sum(misnamed), sum(unexpected), sum(excused), sum(unknown)
from slot_hours group by 1, 2;
