-- Everything that is kept. What holds for every table but the two of the registry:
--   * `tenant_id` leads every key and every index but one, and every foreign key names the tenant, so that no row can refer to another
--     tenant's, and the tables can be distributed by tenant.
--   * Row-level security is on and forced (0002): without the tenant's setting there is no row.
--   * Times are milliseconds since 1970 in UTC. Small numbers stand for what Rust has enums for; `src/codes.rs` of the crate
--     says which.
--   * Somebody (an author, an actor, a reader) is a kind (0 visitor, 1 operator, 2 system) and an id; the system's is nil.
--   * A foreign key's own side is indexed, so that erasing takes time in proportion to what is erased.

-- The registry: which tenants there are. No personal data; exempt from row-level security.
CREATE TABLE convor.tenants (
    tenant_id uuid PRIMARY KEY,
    region text NOT NULL,
    state smallint NOT NULL CHECK (state IN (0)),
    created_at bigint NOT NULL,
    -- The position of the last control event.
    control_head bigint NOT NULL DEFAULT 0,
    -- The lifetime of the positions of new conversations.
    epoch bigint NOT NULL DEFAULT 1
);

-- For which tenant background work is due, and when: one row for each snooze and each notification, by its id. It is
-- written in the transaction that writes what it stands for. Exempt from row-level security: ids and times, and nothing
-- that anybody has said.
CREATE TABLE convor.due_work (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    due_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- The only index without the tenant in front: what is not due yet costs the registry nothing.
CREATE INDEX due_work_due ON convor.due_work (due_at, tenant_id);

CREATE TABLE convor.profiles (
    tenant_id uuid PRIMARY KEY REFERENCES convor.tenants (tenant_id),
    name text NOT NULL,
    digest_key bytea NOT NULL CHECK (octet_length(digest_key) = 32)
);

CREATE TABLE convor.sites (
    tenant_id uuid NOT NULL REFERENCES convor.tenants (tenant_id),
    id uuid NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    greeting text NOT NULL,
    color text NOT NULL,
    origins text[] NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE convor.operators (
    tenant_id uuid NOT NULL REFERENCES convor.tenants (tenant_id),
    id uuid NOT NULL,
    name text NOT NULL,
    email text COLLATE "C" NOT NULL,
    role smallint NOT NULL CHECK (role IN (0, 1, 2)),
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT operators_email UNIQUE (tenant_id, email)
);

-- Operators' passwords and sessions: the group `accounts`.
CREATE TABLE convor.passwords (
    tenant_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (tenant_id, operator_id),
    FOREIGN KEY (tenant_id, operator_id) REFERENCES convor.operators (tenant_id, id)
);

CREATE TABLE convor.sessions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    operator_id uuid NOT NULL,
    token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    expires_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT sessions_token UNIQUE (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, operator_id) REFERENCES convor.operators (tenant_id, id)
);
CREATE INDEX sessions_of_operator ON convor.sessions (tenant_id, operator_id, expires_at);

CREATE TABLE convor.visitors (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    site_id uuid NOT NULL,
    name text,
    email text,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    -- What a conversation refers to: a visitor on its site.
    CONSTRAINT visitors_on_site UNIQUE (tenant_id, site_id, id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES convor.sites (tenant_id, id)
);

CREATE TABLE convor.visitor_tokens (
    tenant_id uuid NOT NULL,
    visitor_id uuid NOT NULL,
    token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    PRIMARY KEY (tenant_id, visitor_id),
    CONSTRAINT visitor_tokens_token UNIQUE (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, visitor_id) REFERENCES convor.visitors (tenant_id, id)
);

CREATE TABLE convor.pages (
    tenant_id uuid NOT NULL,
    visitor_id uuid NOT NULL,
    url text NOT NULL,
    title text,
    at bigint NOT NULL,
    PRIMARY KEY (tenant_id, visitor_id),
    FOREIGN KEY (tenant_id, visitor_id) REFERENCES convor.visitors (tenant_id, id)
);

-- Conversations, as their events have left them. Every change of a conversation or of what stands in it locks its row
-- first.
--
-- Every append changes this table and the one of events, and each of their indexes and checks costs it: there are no more
-- indexes than the lists need, a visitor's own few conversations are found by its key and sorted, and no checks. What is
-- written here comes from the functions alone.
CREATE TABLE convor.conversations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    site_id uuid NOT NULL,
    visitor_id uuid NOT NULL,
    -- What the visitor's client picked, and over what a repeat must repeat; NULL once that is erased.
    client_id uuid NOT NULL,
    digest bytea,
    with_message boolean NOT NULL,
    subject text,
    status smallint NOT NULL,
    snoozed_until bigint,
    assignee uuid,
    tags text[] NOT NULL DEFAULT '{}',
    created_at bigint NOT NULL,
    -- When the last event was stored, for each audience.
    updated_staff bigint NOT NULL,
    updated_visitor bigint NOT NULL,
    -- The positions of the last events, and those up to which events have been removed.
    head_staff bigint NOT NULL DEFAULT 0,
    head_visitor bigint NOT NULL DEFAULT 0,
    floor_staff bigint NOT NULL DEFAULT 0,
    floor_visitor bigint NOT NULL DEFAULT 0,
    epoch bigint NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    -- Derived from the events. The staff positions of the last message and of the last one that the visitor sees.
    last_message bigint NOT NULL DEFAULT 0,
    last_visible_message bigint NOT NULL DEFAULT 0,
    -- How many messages the visitor has sent, and how many others it has been sent: at the end, and at the floor.
    by_visitor bigint NOT NULL DEFAULT 0,
    to_visitor bigint NOT NULL DEFAULT 0,
    floor_by_visitor bigint NOT NULL DEFAULT 0,
    floor_to_visitor bigint NOT NULL DEFAULT 0,
    -- Up to which staff position events are searchable.
    indexed_staff bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id),
    -- `site_id` follows from `visitor_id`; it is here for the foreign key.
    CONSTRAINT conversations_client_id UNIQUE (tenant_id, visitor_id, site_id, client_id),
    FOREIGN KEY (tenant_id, site_id, visitor_id) REFERENCES convor.visitors (tenant_id, site_id, id),
    FOREIGN KEY (tenant_id, assignee) REFERENCES convor.operators (tenant_id, id)
);
CREATE INDEX conversations_by_status ON convor.conversations (tenant_id, status, updated_staff, id);
CREATE INDEX conversations_by_assignee ON convor.conversations (tenant_id, assignee, status, updated_staff, id);
CREATE INDEX conversations_snoozed ON convor.conversations (tenant_id, snoozed_until, id)
    WHERE snoozed_until IS NOT NULL;

-- The tags of conversations once more, for the inbox: `updated_staff` is the conversation's.
CREATE TABLE convor.conversation_tags (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    tag text COLLATE "C" NOT NULL,
    updated_staff bigint NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id, tag),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES convor.conversations (tenant_id, id)
);
CREATE INDEX conversation_tags_by_tag
    ON convor.conversation_tags (tenant_id, tag, updated_staff, conversation_id);

-- The conversations with `indexed_staff` below `head_staff`, by their ids: what the search has yet to look at. A table of its
-- own, because an index would cost every append, and this costs the first one that is not searchable. It has no foreign key
-- for the same reason.
CREATE TABLE convor.unindexed (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id)
);

-- What happened in conversations: 0 a message, 1 a status, 2 an assignment, 3 tags.
CREATE TABLE convor.events (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    staff_seq bigint NOT NULL,
    -- NULL if the visitor does not see it.
    visitor_seq bigint,
    epoch bigint NOT NULL,
    at bigint NOT NULL,
    by_kind smallint NOT NULL,
    by_id uuid NOT NULL,
    kind smallint NOT NULL,
    -- Of a message. Its text is NULL once its content has been erased, and then so is the digest.
    message_id uuid,
    client_id uuid,
    digest bytea,
    note boolean,
    text text,
    -- Of a status.
    from_status smallint,
    to_status smallint,
    snoozed_until bigint,
    -- Of an assignment; NULL is nobody.
    assignee uuid,
    -- Of tags.
    tags text[],
    -- Derived, as they are after it: the visitor's head, and what the conversation counts.
    visitor_head bigint NOT NULL,
    by_visitor bigint NOT NULL,
    to_visitor bigint NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id, staff_seq),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES convor.conversations (tenant_id, id)
);
-- Its condition keeps it from standing in for the primary key: a page of staff's numbering would read the whole log by it.
CREATE UNIQUE INDEX events_visitor_seq ON convor.events (tenant_id, conversation_id, visitor_seq)
    WHERE visitor_seq IS NOT NULL;
-- The client's id stands second, so that a lookup by it cannot be planned over the conversation's whole log instead.
CREATE UNIQUE INDEX events_client_id
    ON convor.events (tenant_id, client_id, conversation_id, by_id, by_kind);

-- When the first event was stored that a log still has, for retention. A log without events is not in it.
CREATE TABLE convor.log_starts (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES convor.conversations (tenant_id, id)
);
CREATE INDEX log_starts_by_time ON convor.log_starts (tenant_id, at, conversation_id);

CREATE TABLE convor.reads (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    reader_id uuid NOT NULL,
    reader_kind smallint NOT NULL CHECK (reader_kind IN (0, 1, 2)),
    staff_seq bigint NOT NULL,
    visitor_seq bigint NOT NULL,
    -- Derived: how many messages of the other side stand at or below it.
    seen bigint NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id, reader_id, reader_kind),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES convor.conversations (tenant_id, id)
);

-- Which words stand in which messages: the index of the search. Why it has no foreign key, `search_store` says.
CREATE TABLE convor.words (
    tenant_id uuid NOT NULL,
    word text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    conversation_id uuid NOT NULL,
    staff_seq bigint NOT NULL,
    PRIMARY KEY (tenant_id, word, at, conversation_id, staff_seq)
);
CREATE INDEX words_of_event ON convor.words (tenant_id, conversation_id, staff_seq);

CREATE TABLE convor.uploads (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    by_kind smallint NOT NULL CHECK (by_kind IN (0, 1, 2)),
    by_id uuid NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    blob uuid NOT NULL,
    created_at bigint NOT NULL,
    -- Both or neither: what has arrived.
    bytes bigint,
    sha256 bytea CHECK (octet_length(sha256) = 32 AND (bytes IS NULL) = (sha256 IS NULL)),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT uploads_blob UNIQUE (tenant_id, blob),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES convor.conversations (tenant_id, id)
);
CREATE INDEX uploads_of_conversation ON convor.uploads (tenant_id, conversation_id, id);
CREATE INDEX uploads_incomplete ON convor.uploads (tenant_id, created_at, id) WHERE bytes IS NULL;

-- Blobs that are to be removed. They outlive what they belonged to.
CREATE TABLE convor.removable_blobs (
    tenant_id uuid NOT NULL,
    blob uuid NOT NULL,
    PRIMARY KEY (tenant_id, blob)
);

-- What is owed to notifiers: 0 a message is waiting. The conversation need not be there.
CREATE TABLE convor.notifications (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind smallint NOT NULL CHECK (kind IN (0)),
    conversation_id uuid NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    held_until bigint,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX notifications_fresh ON convor.notifications (tenant_id, id) WHERE held_until IS NULL;
-- By id, because the oldest go first; those that are held are few.
CREATE INDEX notifications_held ON convor.notifications (tenant_id, id, held_until) WHERE held_until IS NOT NULL;
CREATE INDEX notifications_of_conversation ON convor.notifications (tenant_id, conversation_id);

-- What every node must obey: 0 a session has ended.
CREATE TABLE convor.control_events (
    tenant_id uuid NOT NULL,
    position bigint NOT NULL,
    kind smallint NOT NULL CHECK (kind IN (0)),
    session_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, position)
);

-- Who did what, and when.
CREATE TABLE convor.audit (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    by_kind smallint NOT NULL CHECK (by_kind IN (0, 1, 2)),
    by_id uuid NOT NULL,
    at bigint NOT NULL,
    action text NOT NULL,
    target uuid NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
