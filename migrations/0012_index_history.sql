-- What began before a window and reaches into it; what still goes on.
create index gaps_stream_to_at on gaps (stream_id, to_at);
create index gaps_to_at on gaps (to_at);
create index gaps_open on gaps (stream_id, from_at) where open;
create index sessions_started_at on sessions (started_at, stream_id);
