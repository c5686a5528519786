-- Operators' passwords and sessions. Whatever changes them locks the operator's row first, so that no session can be made
-- with a password that is just being replaced.

-- Sets a password and ends every session of the operator, each with a control event after those of the change.
CREATE FUNCTION convor.accounts_set_password(p_tenant uuid, p_change convor.change, p_operator uuid, p_hash text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_sessions uuid[];
    v_head bigint;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    PERFORM o.id FROM convor.operators o WHERE o.tenant_id = p_tenant AND o.id = p_operator
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO convor.passwords (tenant_id, operator_id, hash) VALUES (p_tenant, p_operator, p_hash)
    ON CONFLICT (tenant_id, operator_id) DO UPDATE SET hash = excluded.hash;
    PERFORM convor.commit_change(p_tenant, p_change);
    SELECT coalesce(array_agg(s.id ORDER BY s.id), '{}') INTO v_sessions
    FROM convor.sessions s WHERE s.tenant_id = p_tenant AND s.operator_id = p_operator;
    IF cardinality(v_sessions) > 0 THEN
        DELETE FROM convor.sessions s WHERE s.tenant_id = p_tenant AND s.operator_id = p_operator;
        UPDATE convor.tenants t SET control_head = t.control_head + cardinality(v_sessions)
        WHERE t.tenant_id = p_tenant
        RETURNING t.control_head INTO v_head;
        INSERT INTO convor.control_events (tenant_id, position, kind, session_id)
        SELECT p_tenant, v_head - cardinality(v_sessions) + w.place, 0, w.id
        FROM unnest(v_sessions) WITH ORDINALITY AS w (id, place);
    END IF;
    RETURN true;
END
$$;

CREATE FUNCTION convor.accounts_replace_hash(
    p_tenant uuid, p_change convor.change, p_operator uuid, p_expected text, p_new text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    PERFORM o.id FROM convor.operators o WHERE o.tenant_id = p_tenant AND o.id = p_operator
    FOR NO KEY UPDATE;
    UPDATE convor.passwords p SET hash = p_new
    WHERE p.tenant_id = p_tenant AND p.operator_id = p_operator AND p.hash = p_expected;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;

CREATE FUNCTION convor.accounts_find_login(p_tenant uuid, p_email text)
RETURNS TABLE (id uuid, name text, email text, role smallint, created_at bigint, hash text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT o.id, o.name, o.email, o.role, o.created_at, p.hash
    FROM convor.operators o
    JOIN convor.passwords p ON p.tenant_id = p_tenant AND p.operator_id = o.id
    WHERE o.tenant_id = p_tenant AND o.email = p_email;
END
$$;

-- `p_verified` is the hash against which the sign-in was verified. The operator's expired sessions go.
CREATE FUNCTION convor.accounts_insert_session(
    p_tenant uuid, p_change convor.change, p_id uuid, p_operator uuid, p_verified text, p_token_hash bytea,
    p_expires_at bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    PERFORM o.id FROM convor.operators o WHERE o.tenant_id = p_tenant AND o.id = p_operator
    FOR NO KEY UPDATE;
    PERFORM p.operator_id FROM convor.passwords p
    WHERE p.tenant_id = p_tenant AND p.operator_id = p_operator AND p.hash = p_verified;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO convor.sessions (tenant_id, id, operator_id, token_hash, expires_at)
    VALUES (p_tenant, p_id, p_operator, p_token_hash, p_expires_at)
    ON CONFLICT (tenant_id, id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM convor.sessions s
    WHERE s.tenant_id = p_tenant AND s.operator_id = p_operator AND s.expires_at <= p_change.at AND s.id <> p_id;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;

CREATE FUNCTION convor.accounts_find_session(p_tenant uuid, p_token_hash bytea, p_now bigint)
RETURNS TABLE (
    session_id uuid, expires_at bigint, id uuid, name text, email text, role smallint, created_at bigint
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT s.id, s.expires_at, o.id, o.name, o.email, o.role, o.created_at
    FROM convor.sessions s
    JOIN convor.operators o ON o.tenant_id = p_tenant AND o.id = s.operator_id
    WHERE s.tenant_id = p_tenant AND s.token_hash = p_token_hash AND s.expires_at > p_now;
END
$$;

CREATE FUNCTION convor.accounts_end_session(p_tenant uuid, p_change convor.change, p_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    DELETE FROM convor.sessions s WHERE s.tenant_id = p_tenant AND s.id = p_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;
