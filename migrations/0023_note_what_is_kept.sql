-- From when on evidence is kept: what retention took away is no longer there to judge by, and must not be called missing.
create table evidence_kept (
  what text primary key check (what in ('captures', 'quarantine')),
  since timestamptz not null
);
