-- The tenant's two logs: what every node must obey, and who did what.

CREATE FUNCTION convor.control_append(p_tenant uuid, p_change convor.change) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    PERFORM convor.commit_change(p_tenant, p_change);
END
$$;

CREATE FUNCTION convor.control_head(p_tenant uuid) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_head bigint;
BEGIN
    SELECT t.control_head INTO v_head FROM convor.tenants t WHERE t.tenant_id = p_tenant;
    RETURN coalesce(v_head, 0);
END
$$;

CREATE FUNCTION convor.control_after(p_tenant uuid, p_after bigint, p_limit bigint)
RETURNS SETOF convor.control_events LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT c.* FROM convor.control_events c
    WHERE c.tenant_id = p_tenant AND c.position > p_after ORDER BY c.position LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.audit_page(p_tenant uuid, p_after uuid, p_limit bigint)
RETURNS SETOF convor.audit LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT a.* FROM convor.audit a WHERE a.tenant_id = p_tenant AND a.id > p_after ORDER BY a.id LIMIT p_limit;
END
$$;
