-- What is owed to notifiers.

-- Holds the oldest notifications that nobody holds, until `p_until`. What another call is just taking is passed over.
CREATE FUNCTION convor.outbox_claim(p_tenant uuid, p_now bigint, p_until bigint, p_limit bigint)
RETURNS SETOF convor.notifications LANGUAGE plpgsql AS $$
DECLARE
    v_fresh uuid[];
    v_expired uuid[];
    v_ids uuid[];
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    SELECT coalesce(array_agg(x.id), '{}') INTO v_fresh
    FROM (
        SELECT n.id FROM convor.notifications n
        WHERE n.tenant_id = p_tenant AND n.held_until IS NULL
        ORDER BY n.id LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ) AS x;
    SELECT coalesce(array_agg(x.id), '{}') INTO v_expired
    FROM (
        SELECT n.id FROM convor.notifications n
        WHERE n.tenant_id = p_tenant AND n.held_until <= p_now
        ORDER BY n.id LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ) AS x;
    SELECT coalesce(array_agg(x.id), '{}') INTO v_ids
    FROM (SELECT w.id FROM unnest(v_fresh || v_expired) AS w (id) ORDER BY w.id LIMIT p_limit) AS x;
    UPDATE convor.notifications n SET attempts = least(n.attempts + 1, 4294967295), held_until = p_until
    WHERE n.tenant_id = p_tenant AND n.id = ANY (v_ids);
    UPDATE convor.due_work d SET due_at = p_until WHERE d.tenant_id = p_tenant AND d.id = ANY (v_ids);
    RETURN QUERY
    SELECT n.* FROM convor.notifications n WHERE n.tenant_id = p_tenant AND n.id = ANY (v_ids) ORDER BY n.id;
END
$$;

CREATE FUNCTION convor.outbox_settle(p_tenant uuid, p_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    DELETE FROM convor.notifications n WHERE n.tenant_id = p_tenant AND n.id = p_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM convor.due_work d WHERE d.tenant_id = p_tenant AND d.id = p_id;
    RETURN true;
END
$$;
