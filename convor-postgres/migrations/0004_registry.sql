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

-- Goes from tenant to tenant by the index, looking at the earliest work of each, so that neither tenants without work nor
-- the amount of a tenant's work cost anything.
CREATE FUNCTION convor.registry_due(p_now bigint, p_after uuid, p_limit bigint) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_tenant uuid := p_after;
    v_due_at bigint;
    v_left bigint := p_limit;
BEGIN
    WHILE v_left > 0 LOOP
        IF v_tenant IS NULL THEN
            SELECT d.tenant_id, d.due_at INTO v_tenant, v_due_at
            FROM convor.due_work d ORDER BY d.tenant_id, d.due_at LIMIT 1;
        ELSE
            SELECT d.tenant_id, d.due_at INTO v_tenant, v_due_at
            FROM convor.due_work d WHERE d.tenant_id > v_tenant ORDER BY d.tenant_id, d.due_at LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        IF v_due_at <= p_now THEN
            RETURN NEXT v_tenant;
            v_left := v_left - 1;
        END IF;
    END LOOP;
END
$$;
