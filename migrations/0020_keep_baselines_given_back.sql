alter table config_baselines
  -- the callback went back to whom it was taken from, the rest is remembered still: not ours until the next apply
  add column given_back boolean not null default false,
  -- what a restore was about to add again after deleting it; null where no such thing is under way
  add column adding_again jsonb,
  -- of push_notify: the ingest domain; '' for the other kinds
  add column push_domain text not null default '';
update config_baselines set push_domain = coalesce(former ->> 'pushDomain', '') where kind = 'push_notify';
-- Another ingest domain in the settings is another subject: what stood at the former one is to be put back there.
alter table config_baselines drop constraint config_baselines_pkey;
alter table config_baselines add primary key (domain, kind, app, push_domain);
