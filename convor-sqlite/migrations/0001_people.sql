-- Tenants, their sites and who is on them.
--
-- Every table but `tenants` belongs to one tenant a row: there `tenant_id` leads every key, every index and every foreign key, so
-- that a reference into another tenant cannot be stored. Ids are UUIDs as 16 bytes, times milliseconds since 1970.

-- "CVOR": by this a file is recognised as Convor's.
PRAGMA application_id = 1129729874;

-- The registry. It holds no personal data.
CREATE TABLE tenants (
    tenant_id BLOB NOT NULL PRIMARY KEY CHECK (length(tenant_id) = 16),
    region TEXT NOT NULL,
    state INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- The lifetime of the positions that are allotted now.
    epoch INTEGER NOT NULL DEFAULT 1,
    -- The position of the last control event.
    control_head INTEGER NOT NULL DEFAULT 0,
    -- When background work is next due; derived from conversations and notifications.
    due_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX tenants_due ON tenants (due_at, tenant_id) WHERE due_at IS NOT NULL;

CREATE TABLE profiles (
    tenant_id BLOB NOT NULL PRIMARY KEY REFERENCES tenants (tenant_id),
    name TEXT NOT NULL,
    digest_key BLOB NOT NULL CHECK (length(digest_key) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE sites (
    tenant_id BLOB NOT NULL REFERENCES tenants (tenant_id),
    site_id BLOB NOT NULL CHECK (length(site_id) = 16),
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    greeting TEXT NOT NULL,
    color TEXT NOT NULL,
    -- A JSON array of texts.
    origins TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, site_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE operators (
    tenant_id BLOB NOT NULL REFERENCES tenants (tenant_id),
    operator_id BLOB NOT NULL CHECK (length(operator_id) = 16),
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    role INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, operator_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX operators_email ON operators (tenant_id, email);

CREATE TABLE passwords (
    tenant_id BLOB NOT NULL,
    operator_id BLOB NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (tenant_id, operator_id),
    FOREIGN KEY (tenant_id, operator_id) REFERENCES operators (tenant_id, operator_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    tenant_id BLOB NOT NULL,
    session_id BLOB NOT NULL CHECK (length(session_id) = 16),
    operator_id BLOB NOT NULL,
    token_hash BLOB NOT NULL CHECK (length(token_hash) = 32),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, session_id),
    FOREIGN KEY (tenant_id, operator_id) REFERENCES operators (tenant_id, operator_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX sessions_token ON sessions (tenant_id, token_hash);
CREATE INDEX sessions_operator ON sessions (tenant_id, operator_id, expires_at);

CREATE TABLE visitors (
    tenant_id BLOB NOT NULL,
    visitor_id BLOB NOT NULL CHECK (length(visitor_id) = 16),
    site_id BLOB NOT NULL,
    name TEXT,
    email TEXT,
    created_at INTEGER NOT NULL,
    -- NULL only while a transfer has brought the visitor and not yet its token.
    token_hash BLOB CHECK (length(token_hash) = 32),
    PRIMARY KEY (tenant_id, visitor_id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, site_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX visitors_token ON visitors (tenant_id, token_hash) WHERE token_hash IS NOT NULL;
CREATE INDEX visitors_site ON visitors (tenant_id, site_id);

-- The page on which a visitor was last.
CREATE TABLE pages (
    tenant_id BLOB NOT NULL,
    visitor_id BLOB NOT NULL,
    url TEXT NOT NULL,
    title TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, visitor_id),
    FOREIGN KEY (tenant_id, visitor_id) REFERENCES visitors (tenant_id, visitor_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
