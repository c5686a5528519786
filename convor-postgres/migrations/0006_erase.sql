-- Removes a visitor and everything that is about it, children before parents. Every statement finds its rows by an index,
-- so that it takes time in proportion to what the visitor has.

CREATE FUNCTION convor.visitors_erase(p_tenant uuid, p_change convor.change, p_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_conversations uuid[];
    v_blobs uuid[];
    v_notifications uuid[];
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    -- Nobody opens a conversation for the visitor from here on, and nobody appends to one once its row is locked.
    PERFORM v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant AND v.id = p_id
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM c.id FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.visitor_id = p_id ORDER BY c.id
    FOR UPDATE;
    SELECT coalesce(array_agg(c.id ORDER BY c.id), '{}') INTO v_conversations
    FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.visitor_id = p_id;

    WITH gone AS (
        DELETE FROM convor.uploads u WHERE u.tenant_id = p_tenant AND u.conversation_id = ANY (v_conversations)
        RETURNING u.blob
    )
    SELECT coalesce(array_agg(g.blob), '{}') INTO v_blobs FROM gone g;
    INSERT INTO convor.removable_blobs (tenant_id, blob)
    SELECT p_tenant, w.blob FROM unnest(v_blobs) AS w (blob)
    ON CONFLICT DO NOTHING;
    DELETE FROM convor.words w WHERE w.tenant_id = p_tenant AND w.conversation_id = ANY (v_conversations);
    DELETE FROM convor.unindexed n WHERE n.tenant_id = p_tenant AND n.conversation_id = ANY (v_conversations);
    DELETE FROM convor.reads r WHERE r.tenant_id = p_tenant AND r.conversation_id = ANY (v_conversations);
    DELETE FROM convor.log_starts l WHERE l.tenant_id = p_tenant AND l.conversation_id = ANY (v_conversations);
    DELETE FROM convor.events e WHERE e.tenant_id = p_tenant AND e.conversation_id = ANY (v_conversations);
    DELETE FROM convor.conversation_tags t WHERE t.tenant_id = p_tenant AND t.conversation_id = ANY (v_conversations);
    DELETE FROM convor.due_work d WHERE d.tenant_id = p_tenant AND d.id = ANY (v_conversations);
    DELETE FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.id = ANY (v_conversations);

    DELETE FROM convor.pages g WHERE g.tenant_id = p_tenant AND g.visitor_id = p_id;
    DELETE FROM convor.visitor_tokens t WHERE t.tenant_id = p_tenant AND t.visitor_id = p_id;
    DELETE FROM convor.visitors v WHERE v.tenant_id = p_tenant AND v.id = p_id;
    PERFORM convor.commit_change(p_tenant, p_change);
    -- After the change, which may have brought one.
    WITH gone AS (
        DELETE FROM convor.notifications n
        WHERE n.tenant_id = p_tenant AND n.conversation_id = ANY (v_conversations)
        RETURNING n.id
    )
    SELECT coalesce(array_agg(g.id), '{}') INTO v_notifications FROM gone g;
    DELETE FROM convor.due_work d WHERE d.tenant_id = p_tenant AND d.id = ANY (v_notifications);
    RETURN true;
END
$$;
