-- null: no look has come back yet.
alter table config_states alter column looked_at drop not null;
