-- While a day is being rewritten, the keys of what changes meanwhile go to the log table of that day (adapters/postgres/sealing.ts).
create function log_sealing_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    execute format('insert into %I values ($1, $2, $3)', tg_argv[0]) using old.stream_id, old.captured_at, old.discriminator;
    return old;
  end if;
  execute format('insert into %I values ($1, $2, $3)', tg_argv[0]) using new.stream_id, new.captured_at, new.discriminator;
  return new;
end
$$;
