-- Alerting asks again and again for the gaps that may still grow: few, among many that are final.
create index gaps_still_open on gaps (stream_id, from_at) where open;
