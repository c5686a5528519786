-- What goes with every change. The rules for every function of this schema:
--   * It is the whole of a repository's method, so that a method is one statement and no transaction is ever open on the
--     client's side. Its name is the repository's and the method's: `convor.sites_insert`.
--   * Its first argument is the tenant, `p_tenant`. It says so to row-level security for this transaction (`set_config`
--     with `true`), and names it in every condition and row besides.
--   * One that only reads is STABLE: all of its statements see one snapshot.
--   * Locks are taken in one order, so that none waits in a ring: a visitor, then conversations by their ids, then
--     operators, then uploads before removable blobs, then the tenant's row for the control log. Notifications come before
--     what is due of them, and whoever waits for one holds nothing that its holder waits for. Words come before all of these,
--     in one order: whoever holds a conversation waits for none of its words.
--   * What belongs to this schema is named with it, and the rest is found in `pg_catalog` alone: the search path of whoever
--     calls holds no other schema, so that nobody can put a function in the place of one of PostgreSQL's.

-- Who changes something, when, and what is committed with it.
CREATE TYPE convor.change AS (
    by_kind smallint,
    by_id uuid,
    at bigint,
    -- NULL without an audit record.
    audit_id uuid,
    audit_action text,
    audit_target uuid,
    -- One entry for each notification and each control event, in their order.
    notification_ids uuid[],
    notification_kinds smallint[],
    notification_conversations uuid[],
    control_kinds smallint[],
    control_sessions uuid[]
);

-- Stores what goes with a change. It comes last, after all that may refuse the change itself. A notification's id that is
-- taken breaks its key, and so the whole change fails.
CREATE FUNCTION convor.commit_change(p_tenant uuid, p_change convor.change) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_events bigint;
    v_head bigint;
BEGIN
    IF p_change.audit_id IS NOT NULL THEN
        INSERT INTO convor.audit (tenant_id, id, by_kind, by_id, at, action, target)
        VALUES (p_tenant, p_change.audit_id, p_change.by_kind, p_change.by_id, p_change.at, p_change.audit_action,
                p_change.audit_target);
    END IF;
    IF cardinality(p_change.notification_ids) > 0 THEN
        INSERT INTO convor.notifications (tenant_id, id, kind, conversation_id)
        SELECT p_tenant, n.id, n.kind, n.conversation
        FROM unnest(p_change.notification_ids, p_change.notification_kinds, p_change.notification_conversations)
            AS n (id, kind, conversation);
        INSERT INTO convor.due_work (tenant_id, id, due_at)
        SELECT p_tenant, n.id, 0 FROM unnest(p_change.notification_ids) AS n (id);
    END IF;
    v_events := cardinality(p_change.control_kinds);
    IF v_events > 0 THEN
        UPDATE convor.tenants t SET control_head = t.control_head + v_events
        WHERE t.tenant_id = p_tenant
        RETURNING t.control_head INTO v_head;
        INSERT INTO convor.control_events (tenant_id, position, kind, session_id)
        SELECT p_tenant, v_head - v_events + c.place, c.kind, c.session
        FROM unnest(p_change.control_kinds, p_change.control_sessions) WITH ORDINALITY AS c (kind, session, place);
    END IF;
END
$$;
