-- What the planner is to believe: that a tenant has very much, and a conversation or a visitor little. Without it the planner takes
-- any index that begins with `tenant_id` for a good one, also where it then goes through all that a tenant has; with
-- statistics of what happens to be stored, plans would differ from file to file.
--
-- A row names a table, an index (the table's own name for its primary key), how many rows there are, and how many of them share the
-- first column of the index, the first two, and so on (https://sqlite.org/fileformat2.html#the_sqlite_stat1_table).

ANALYZE;

DELETE FROM sqlite_stat1;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('sites', 'sites', '100000 100 1'),
    ('operators', 'operators', '100000 1000 1'),
    ('operators', 'operators_email', '100000 1000 1'),
    ('passwords', 'passwords', '100000 1000 1'),
    ('sessions', 'sessions', '1000000 10000 1'),
    ('sessions', 'sessions_token', '1000000 10000 1'),
    ('sessions', 'sessions_operator', '1000000 10000 10 1'),
    ('visitors', 'visitors', '10000000 100000 1'),
    ('visitors', 'visitors_token', '10000000 100000 1'),
    ('visitors', 'visitors_site', '10000000 100000 50000'),
    ('pages', 'pages', '10000000 100000 1'),
    ('conversations', 'conversations', '10000000 100000 1'),
    ('conversations', 'conversations_client_id', '10000000 100000 3 1'),
    ('conversations', 'conversations_site', '10000000 100000 50000'),
    ('conversations', 'conversations_visitor', '10000000 100000 3 1 1'),
    ('conversations', 'conversations_status', '10000000 100000 30000 2 1'),
    ('conversations', 'conversations_assignee', '10000000 100000 5000 2000 2 1'),
    ('conversations', 'conversations_snoozed', '100000 1000 2 1'),
    ('conversations', 'conversations_oldest', '10000000 100000 2 1'),
    ('conversations', 'conversations_unindexed', '1000 10 1'),
    ('tags', 'tags', '10000000 100000 3 1'),
    ('tags', 'tags_listed', '10000000 100000 5000 2000 2 1'),
    ('events', 'events', '100000000 1000000 30 1'),
    ('events', 'events_client_id', '100000000 1000000 30 20 10 1'),
    ('events', 'events_visible', '100000000 1000000 30 1'),
    ('events', 'events_of_visitor', '50000000 500000 15 1'),
    ('events', 'events_to_visitor', '50000000 500000 15 1'),
    ('reads', 'reads', '10000000 100000 3 1 1'),
    ('words', 'words', '1000000000 10000000 1000 10 1 1'),
    ('words', 'words_event', '1000000000 10000000 300 10'),
    ('uploads', 'uploads', '10000000 100000 1'),
    ('uploads', 'uploads_blob', '10000000 100000 1'),
    ('uploads', 'uploads_conversation', '10000000 100000 3 1'),
    ('uploads', 'uploads_incomplete', '1000 10 1'),
    ('removable_blobs', 'removable_blobs', '1000000 10000 1'),
    ('notifications', 'notifications', '1000000 10000 1'),
    ('notifications', 'notifications_fresh', '10000 100 1'),
    ('notifications', 'notifications_taken', '1000000 10000 2'),
    ('notifications', 'notifications_conversation', '1000000 10000 2'),
    ('control_events', 'control_events', '1000000 10000 1'),
    ('audit', 'audit', '100000000 1000000 1');

-- This connection reads it now, later ones when they are opened.
ANALYZE sqlite_schema;
