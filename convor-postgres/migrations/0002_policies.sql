-- Row-level security: a tenant's rows are there for whoever has said the tenant in this transaction, and for nobody else,
-- the owner of the tables included. An unset tenant is NULL, and nothing equals it.
--
-- The setting is asked for once a statement, not once a row, and it leaves every index usable: the operators by which rows
-- are found (equality and order of uuid, numbers and text) are leakproof.
--
-- The policy trusts the setting, which every function makes from its first argument. So it catches a forgotten condition,
-- and not a wrong argument: both layers stay.

ALTER TABLE convor.profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.profiles FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.profiles
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.sites ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.sites FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.sites
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.operators ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.operators FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.operators
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.passwords ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.passwords FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.passwords
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.sessions
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.visitors ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.visitors FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.visitors
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.visitor_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.visitor_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.visitor_tokens
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.pages ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.pages FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.pages
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.conversations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.conversations
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.conversation_tags ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.conversation_tags FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.conversation_tags
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.unindexed ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.unindexed FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.unindexed
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.events
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.log_starts ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.log_starts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.log_starts
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.reads ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.reads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.reads
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.words ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.words FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.words
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.uploads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.uploads
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.removable_blobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.removable_blobs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.removable_blobs
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.notifications FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.notifications
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.control_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.control_events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.control_events
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));

ALTER TABLE convor.audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE convor.audit FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON convor.audit
    USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid));
