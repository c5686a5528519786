-- Files, what is owed to others, what every node must obey, and who did what.

CREATE TABLE uploads (
    tenant_id BLOB NOT NULL,
    upload_id BLOB NOT NULL CHECK (length(upload_id) = 16),
    conversation_id BLOB NOT NULL,
    by_kind INTEGER NOT NULL CHECK (by_kind BETWEEN 0 AND 2),
    by_id BLOB NOT NULL CHECK (length(by_id) = 16),
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    blob_key BLOB NOT NULL CHECK (length(blob_key) = 16),
    created_at INTEGER NOT NULL,
    -- NULL until all of it has arrived.
    bytes INTEGER,
    sha256 BLOB CHECK (length(sha256) = 32),
    PRIMARY KEY (tenant_id, upload_id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, conversation_id)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX uploads_blob ON uploads (tenant_id, blob_key);
CREATE INDEX uploads_conversation ON uploads (tenant_id, conversation_id, upload_id);
CREATE INDEX uploads_incomplete ON uploads (tenant_id, created_at) WHERE sha256 IS NULL;

-- The keys of blobs whose records are gone.
CREATE TABLE removable_blobs (
    tenant_id BLOB NOT NULL REFERENCES tenants (tenant_id),
    blob_key BLOB NOT NULL CHECK (length(blob_key) = 16),
    PRIMARY KEY (tenant_id, blob_key)
) STRICT, WITHOUT ROWID;

-- Notifications that nobody has settled.
CREATE TABLE notifications (
    tenant_id BLOB NOT NULL REFERENCES tenants (tenant_id),
    notification_id BLOB NOT NULL CHECK (length(notification_id) = 16),
    -- 0: a message waits. The conversation need not be there.
    kind INTEGER NOT NULL CHECK (kind = 0),
    conversation_id BLOB NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- NULL until somebody has taken it.
    held_until INTEGER,
    PRIMARY KEY (tenant_id, notification_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX notifications_fresh ON notifications (tenant_id, notification_id) WHERE held_until IS NULL;
CREATE INDEX notifications_taken ON notifications (tenant_id, held_until) WHERE held_until IS NOT NULL;
CREATE INDEX notifications_conversation ON notifications (tenant_id, conversation_id);

CREATE TABLE control_events (
    tenant_id BLOB NOT NULL REFERENCES tenants (tenant_id),
    position INTEGER NOT NULL CHECK (position > 0),
    -- 0: a session has ended.
    kind INTEGER NOT NULL CHECK (kind = 0),
    session_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    tenant_id BLOB NOT NULL REFERENCES tenants (tenant_id),
    audit_id BLOB NOT NULL CHECK (length(audit_id) = 16),
    actor_kind INTEGER NOT NULL CHECK (actor_kind BETWEEN 0 AND 2),
    actor_id BLOB NOT NULL CHECK (length(actor_id) = 16),
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    target_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, audit_id)
) STRICT, WITHOUT ROWID;
