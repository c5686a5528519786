-- What tenants say of themselves, their sites, their operators, their visitors and the pages on which those are.

CREATE FUNCTION convor.tenants_insert(p_tenant uuid, p_change convor.change, p_name text, p_digest_key bytea)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    INSERT INTO convor.profiles (tenant_id, name, digest_key) VALUES (p_tenant, p_name, p_digest_key)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;

CREATE FUNCTION convor.tenants_find(p_tenant uuid) RETURNS SETOF convor.profiles
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY SELECT p.* FROM convor.profiles p WHERE p.tenant_id = p_tenant;
END
$$;

CREATE FUNCTION convor.sites_insert(
    p_tenant uuid, p_change convor.change, p_id uuid, p_name text, p_title text, p_greeting text, p_color text,
    p_origins text[], p_created_at bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    INSERT INTO convor.sites (tenant_id, id, name, title, greeting, color, origins, created_at)
    VALUES (p_tenant, p_id, p_name, p_title, p_greeting, p_color, p_origins, p_created_at)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;

CREATE FUNCTION convor.sites_find(p_tenant uuid, p_id uuid) RETURNS SETOF convor.sites
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY SELECT s.* FROM convor.sites s WHERE s.tenant_id = p_tenant AND s.id = p_id;
END
$$;

-- Above `p_after`; the nil id is below every other one.
CREATE FUNCTION convor.sites_page(p_tenant uuid, p_after uuid, p_limit bigint) RETURNS SETOF convor.sites
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT s.* FROM convor.sites s WHERE s.tenant_id = p_tenant AND s.id > p_after ORDER BY s.id LIMIT p_limit;
END
$$;

-- `false` if the id or the address is taken.
CREATE FUNCTION convor.operators_insert(
    p_tenant uuid, p_change convor.change, p_id uuid, p_name text, p_email text, p_role smallint, p_created_at bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    INSERT INTO convor.operators (tenant_id, id, name, email, role, created_at)
    VALUES (p_tenant, p_id, p_name, p_email, p_role, p_created_at)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;

CREATE FUNCTION convor.operators_find(p_tenant uuid, p_ids uuid[]) RETURNS SETOF convor.operators
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY SELECT o.* FROM convor.operators o WHERE o.tenant_id = p_tenant AND o.id = ANY (p_ids);
END
$$;

CREATE FUNCTION convor.operators_page(p_tenant uuid, p_after uuid, p_limit bigint) RETURNS SETOF convor.operators
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT o.* FROM convor.operators o WHERE o.tenant_id = p_tenant AND o.id > p_after ORDER BY o.id LIMIT p_limit;
END
$$;

-- `false` if the id is taken or there is no such site. A token that is taken breaks its key, and so fails.
CREATE FUNCTION convor.visitors_register(
    p_tenant uuid, p_change convor.change, p_id uuid, p_site uuid, p_name text, p_email text, p_created_at bigint,
    p_token_hash bytea
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    INSERT INTO convor.visitors (tenant_id, id, site_id, name, email, created_at)
    SELECT p_tenant, p_id, s.id, p_name, p_email, p_created_at
    FROM convor.sites s WHERE s.tenant_id = p_tenant AND s.id = p_site
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO convor.visitor_tokens (tenant_id, visitor_id, token_hash) VALUES (p_tenant, p_id, p_token_hash);
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;

CREATE FUNCTION convor.visitors_find(p_tenant uuid, p_id uuid) RETURNS SETOF convor.visitors
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY SELECT v.* FROM convor.visitors v WHERE v.tenant_id = p_tenant AND v.id = p_id;
END
$$;

CREATE FUNCTION convor.visitors_find_by_token(p_tenant uuid, p_token_hash bytea) RETURNS SETOF convor.visitors
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_id uuid;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    SELECT t.visitor_id INTO v_id
    FROM convor.visitor_tokens t WHERE t.tenant_id = p_tenant AND t.token_hash = p_token_hash;
    RETURN QUERY SELECT v.* FROM convor.visitors v WHERE v.tenant_id = p_tenant AND v.id = v_id;
END
$$;

-- A field is left as it is unless its flag is set.
CREATE FUNCTION convor.visitors_update(
    p_tenant uuid, p_change convor.change, p_id uuid, p_set_name boolean, p_name text, p_set_email boolean, p_email text
) RETURNS SETOF convor.visitors LANGUAGE plpgsql AS $$
DECLARE
    v_visitor convor.visitors;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    SELECT v.* INTO v_visitor
    FROM convor.visitors v WHERE v.tenant_id = p_tenant AND v.id = p_id
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF (p_set_name AND p_name IS DISTINCT FROM v_visitor.name)
        OR (p_set_email AND p_email IS DISTINCT FROM v_visitor.email)
    THEN
        IF p_set_name THEN
            v_visitor.name := p_name;
        END IF;
        IF p_set_email THEN
            v_visitor.email := p_email;
        END IF;
        UPDATE convor.visitors v SET name = v_visitor.name, email = v_visitor.email
        WHERE v.tenant_id = p_tenant AND v.id = p_id;
        PERFORM convor.commit_change(p_tenant, p_change);
    END IF;
    RETURN NEXT v_visitor;
END
$$;

CREATE FUNCTION convor.pages_put(
    p_tenant uuid, p_change convor.change, p_visitor uuid, p_url text, p_title text, p_at bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    PERFORM v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant AND v.id = p_visitor
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO convor.pages (tenant_id, visitor_id, url, title, at)
    VALUES (p_tenant, p_visitor, p_url, p_title, p_at)
    ON CONFLICT (tenant_id, visitor_id)
    DO UPDATE SET url = excluded.url, title = excluded.title, at = excluded.at;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;

CREATE FUNCTION convor.pages_find(p_tenant uuid, p_visitor uuid) RETURNS SETOF convor.pages
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY SELECT g.* FROM convor.pages g WHERE g.tenant_id = p_tenant AND g.visitor_id = p_visitor;
END
$$;
