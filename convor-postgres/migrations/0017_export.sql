-- Records as they are stored, for a copy: a page of each kind by its key. What sites, operators, control log and audit trail
-- have is paged by their own functions. Above `p_after`; the nil id is below every other one.

CREATE FUNCTION convor.transfer_passwords(p_tenant uuid, p_after uuid, p_limit bigint) RETURNS SETOF convor.passwords
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT p.* FROM convor.passwords p
    WHERE p.tenant_id = p_tenant AND p.operator_id > p_after ORDER BY p.operator_id LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.transfer_sessions(p_tenant uuid, p_after uuid, p_limit bigint) RETURNS SETOF convor.sessions
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT s.* FROM convor.sessions s WHERE s.tenant_id = p_tenant AND s.id > p_after ORDER BY s.id LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.transfer_visitors(p_tenant uuid, p_after uuid, p_limit bigint) RETURNS SETOF convor.visitors
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT v.* FROM convor.visitors v WHERE v.tenant_id = p_tenant AND v.id > p_after ORDER BY v.id LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.transfer_tokens(p_tenant uuid, p_after uuid, p_limit bigint)
RETURNS SETOF convor.visitor_tokens LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT t.* FROM convor.visitor_tokens t
    WHERE t.tenant_id = p_tenant AND t.visitor_id > p_after ORDER BY t.visitor_id LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.transfer_pages(p_tenant uuid, p_after uuid, p_limit bigint) RETURNS SETOF convor.pages
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT g.* FROM convor.pages g
    WHERE g.tenant_id = p_tenant AND g.visitor_id > p_after ORDER BY g.visitor_id LIMIT p_limit;
END
$$;

-- Each row once as the domain has it, and once more in the columns that only a copy wants.
CREATE FUNCTION convor.transfer_conversations(p_tenant uuid, p_after uuid, p_limit bigint)
RETURNS TABLE (conversation convor.conversations, client_id uuid, digest bytea, with_message boolean)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT c, c.client_id, c.digest, c.with_message FROM convor.conversations c
    WHERE c.tenant_id = p_tenant AND c.id > p_after ORDER BY c.id LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.transfer_events(p_tenant uuid, p_conversation uuid, p_seq bigint, p_limit bigint)
RETURNS TABLE (event convor.events, digest bytea) LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT e, e.digest FROM convor.events e
    WHERE e.tenant_id = p_tenant AND (e.conversation_id, e.staff_seq) > (p_conversation, p_seq)
    ORDER BY e.conversation_id, e.staff_seq LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.transfer_reads(p_tenant uuid, p_conversation uuid, p_reader uuid, p_limit bigint)
RETURNS SETOF convor.reads LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT r.* FROM convor.reads r
    WHERE r.tenant_id = p_tenant AND (r.conversation_id, r.reader_id) > (p_conversation, p_reader)
    ORDER BY r.conversation_id, r.reader_id LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.transfer_uploads(p_tenant uuid, p_after uuid, p_limit bigint) RETURNS SETOF convor.uploads
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT u.* FROM convor.uploads u WHERE u.tenant_id = p_tenant AND u.id > p_after ORDER BY u.id LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.transfer_removable_blobs(p_tenant uuid, p_after uuid, p_limit bigint)
RETURNS SETOF convor.removable_blobs LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT b.* FROM convor.removable_blobs b
    WHERE b.tenant_id = p_tenant AND b.blob > p_after ORDER BY b.blob LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.transfer_notifications(p_tenant uuid, p_after uuid, p_limit bigint)
RETURNS SETOF convor.notifications LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT n.* FROM convor.notifications n WHERE n.tenant_id = p_tenant AND n.id > p_after ORDER BY n.id LIMIT p_limit;
END
$$;
