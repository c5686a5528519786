-- The registry: the only functions without a tenant as their first argument. They touch `convor.tenants` and
-- `convor.due_work` and nothing else.

CREATE FUNCTION convor.registry_insert(p_id uuid, p_region text, p_state smallint, p_created_at bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO convor.tenants (tenant_id, region, state, created_at)
    VALUES (p_id, p_region, p_state, p_created_at)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

CREATE FUNCTION convor.registry_find(p_id uuid) RETURNS SETOF convor.tenants
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT t.* FROM convor.tenants t WHERE t.tenant_id = p_id;
END
$$;

-- Above `p_after`, or from the first if that is NULL.
CREATE FUNCTION convor.registry_list(p_after uuid, p_limit bigint) RETURNS SETOF convor.tenants
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_after IS NULL THEN
        RETURN QUERY SELECT t.* FROM convor.tenants t ORDER BY t.tenant_id LIMIT p_limit;
    ELSE
        RETURN QUERY SELECT t.* FROM convor.tenants t WHERE t.tenant_id > p_after ORDER BY t.tenant_id LIMIT p_limit;
    END IF;
END
$$;

CREATE FUNCTION convor.registry_control_heads(p_ids uuid[]) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT coalesce(t.control_head, 0)
    FROM unnest(p_ids) WITH ORDINALITY AS w (id, place)
    LEFT JOIN convor.tenants t ON t.tenant_id = w.id
    ORDER BY w.place;
END
$$;

-- The tenants of what is due, above `p_after` or from the first if that is NULL. It reads what is due and nothing else: what
-- is due later costs nothing, however much it is.
CREATE FUNCTION convor.registry_due(p_now bigint, p_after uuid, p_limit bigint) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT DISTINCT d.tenant_id FROM convor.due_work d
    WHERE d.due_at <= p_now AND (p_after IS NULL OR d.tenant_id > p_after)
    ORDER BY d.tenant_id LIMIT p_limit;
END
$$;
