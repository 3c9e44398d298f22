-- The newest audit of a domain is asked for by every look at the wall, also where all the recent ones are of others.
create index audits_domain on audits (domain, id);
