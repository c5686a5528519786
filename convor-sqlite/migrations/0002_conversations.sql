-- Conversations, their logs, and what is found by their words.

CREATE TABLE conversations (
    tenant_id BLOB NOT NULL,
    conversation_id BLOB NOT NULL CHECK (length(conversation_id) = 16),
    site_id BLOB NOT NULL,
    visitor_id BLOB NOT NULL,
    subject TEXT,
    -- 0 open, 1 snoozed, 2 closed.
    status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 2),
    snoozed_until INTEGER,
    assignee_id BLOB,
    created_at INTEGER NOT NULL,
    updated_staff INTEGER NOT NULL,
    updated_visitor INTEGER NOT NULL,
    head_staff INTEGER NOT NULL,
    head_visitor INTEGER NOT NULL,
    floor_staff INTEGER NOT NULL,
    floor_visitor INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    -- By what a repeat of the opening is recognised; the digest is NULL once it is erased.
    client_id BLOB NOT NULL,
    digest BLOB CHECK (length(digest) = 32),
    with_message INTEGER NOT NULL,
    -- Derived from the log: where the last messages stand (0 before the first), the time of the first event that is still
    -- there, and the staff position up to which the log is searchable.
    last_message_staff INTEGER NOT NULL,
    last_message_visitor INTEGER NOT NULL,
    oldest_at INTEGER,
    indexed INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, site_id),
    FOREIGN KEY (tenant_id, visitor_id) REFERENCES visitors (tenant_id, visitor_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, assignee_id) REFERENCES operators (tenant_id, operator_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX conversations_client_id ON conversations (tenant_id, visitor_id, client_id);
CREATE INDEX conversations_site ON conversations (tenant_id, site_id);
-- The lists, each in the order in which it is read.
CREATE INDEX conversations_visitor ON conversations (tenant_id, visitor_id, updated_visitor, conversation_id);
CREATE INDEX conversations_status ON conversations (tenant_id, status, updated_staff, conversation_id);
CREATE INDEX conversations_assignee
    ON conversations (tenant_id, assignee_id, status, updated_staff, conversation_id);
-- Work to come: snoozes that end, logs whose beginning is old, logs that are not searchable to their end.
CREATE INDEX conversations_snoozed
    ON conversations (tenant_id, snoozed_until, conversation_id) WHERE snoozed_until IS NOT NULL;
CREATE INDEX conversations_oldest
    ON conversations (tenant_id, oldest_at, conversation_id) WHERE oldest_at IS NOT NULL;
CREATE INDEX conversations_unindexed ON conversations (tenant_id, conversation_id) WHERE indexed < head_staff;

-- The tags of conversations, with what orders the list of a tag.
CREATE TABLE tags (
    tenant_id BLOB NOT NULL,
    conversation_id BLOB NOT NULL,
    tag TEXT NOT NULL,
    status INTEGER NOT NULL,
    updated_staff INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id, tag),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, conversation_id)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX tags_listed ON tags (tenant_id, tag, status, updated_staff, conversation_id);

-- The logs. Who did something is a kind (0 the system, 1 a visitor, 2 an operator) and an id, which is nil for the system.
CREATE TABLE events (
    tenant_id BLOB NOT NULL,
    conversation_id BLOB NOT NULL,
    staff_seq INTEGER NOT NULL CHECK (staff_seq > 0),
    -- NULL if the visitor does not see it.
    visitor_seq INTEGER,
    -- The last visitor position at or below this event, its own included.
    visitor_head INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL,
    by_kind INTEGER NOT NULL CHECK (by_kind BETWEEN 0 AND 2),
    by_id BLOB NOT NULL CHECK (length(by_id) = 16),
    -- 0 a message, 1 a note, 2 the status, 3 the assignee, 4 the tags.
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 4),
    -- Of messages and notes; text and digest are NULL once they are erased.
    message_id BLOB,
    client_id BLOB,
    digest BLOB CHECK (length(digest) = 32),
    text TEXT,
    -- Of a change of status.
    status_from INTEGER,
    status_to INTEGER,
    snoozed_until INTEGER,
    -- Of an assignment; NULL for nobody.
    assignee_id BLOB,
    -- Of a change of tags: a JSON array of texts.
    tags TEXT,
    PRIMARY KEY (tenant_id, conversation_id, staff_seq),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, conversation_id)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX events_client_id
    ON events (tenant_id, conversation_id, by_kind, by_id, client_id) WHERE client_id IS NOT NULL;
CREATE UNIQUE INDEX events_visible
    ON events (tenant_id, conversation_id, visitor_seq) WHERE visitor_seq IS NOT NULL;
-- What is unread is counted in these: what the visitor has said, and what has been said to it.
CREATE INDEX events_of_visitor
    ON events (tenant_id, conversation_id, staff_seq) WHERE by_kind = 1 AND kind <= 1;
CREATE INDEX events_to_visitor
    ON events (tenant_id, conversation_id, visitor_seq) WHERE by_kind <> 1 AND kind = 0;

CREATE TABLE reads (
    tenant_id BLOB NOT NULL,
    conversation_id BLOB NOT NULL,
    reader_id BLOB NOT NULL CHECK (length(reader_id) = 16),
    reader_kind INTEGER NOT NULL CHECK (reader_kind BETWEEN 0 AND 2),
    staff_seq INTEGER NOT NULL,
    visitor_seq INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id, reader_id, reader_kind),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, conversation_id)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Which words stand where, in the order in which they are found.
CREATE TABLE words (
    tenant_id BLOB NOT NULL,
    word TEXT NOT NULL,
    at INTEGER NOT NULL,
    conversation_id BLOB NOT NULL,
    staff_seq INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, word, at, conversation_id, staff_seq),
    FOREIGN KEY (tenant_id, conversation_id, staff_seq)
        REFERENCES events (tenant_id, conversation_id, staff_seq) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX words_event ON words (tenant_id, conversation_id, staff_seq);
