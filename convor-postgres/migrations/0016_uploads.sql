-- What is known of files. A blob's key is in one of two places: with its upload, or among those that are to be removed.

-- `false` if the id or the key is taken, or if there is no such conversation.
CREATE FUNCTION convor.uploads_begin(
    p_tenant uuid, p_change convor.change, p_id uuid, p_conversation uuid, p_by_kind smallint, p_by uuid, p_name text,
    p_media_type text, p_blob uuid, p_created_at bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    PERFORM c.id FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.id = p_conversation
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO convor.uploads (tenant_id, id, conversation_id, by_kind, by_id, name, media_type, blob, created_at)
    VALUES (p_tenant, p_id, p_conversation, p_by_kind, p_by, p_name, p_media_type, p_blob, p_created_at)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Only now: the insertion may have waited for an upload with the same key that was just being discarded.
    PERFORM b.blob FROM convor.removable_blobs b WHERE b.tenant_id = p_tenant AND b.blob = p_blob;
    IF FOUND THEN
        DELETE FROM convor.uploads u WHERE u.tenant_id = p_tenant AND u.id = p_id;
        RETURN false;
    END IF;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;

CREATE FUNCTION convor.uploads_complete(
    p_tenant uuid, p_change convor.change, p_id uuid, p_bytes bigint, p_sha256 bytea
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    UPDATE convor.uploads u SET bytes = p_bytes, sha256 = p_sha256
    WHERE u.tenant_id = p_tenant AND u.id = p_id AND u.bytes IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;

CREATE FUNCTION convor.uploads_find(p_tenant uuid, p_id uuid) RETURNS SETOF convor.uploads
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY SELECT u.* FROM convor.uploads u WHERE u.tenant_id = p_tenant AND u.id = p_id;
END
$$;

CREATE FUNCTION convor.uploads_page(p_tenant uuid, p_conversation uuid, p_after uuid, p_limit bigint)
RETURNS SETOF convor.uploads LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT u.* FROM convor.uploads u
    WHERE u.tenant_id = p_tenant AND u.conversation_id = p_conversation AND u.id > p_after
    ORDER BY u.id LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.uploads_discard(p_tenant uuid, p_change convor.change, p_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_blob uuid;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    DELETE FROM convor.uploads u WHERE u.tenant_id = p_tenant AND u.id = p_id
    RETURNING u.blob INTO v_blob;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO convor.removable_blobs (tenant_id, blob) VALUES (p_tenant, v_blob)
    ON CONFLICT DO NOTHING;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN true;
END
$$;

-- Discards what was begun before `p_stale` and is not complete, then yields the first keys of all that are to be removed.
CREATE FUNCTION convor.uploads_removable(p_tenant uuid, p_stale bigint, p_limit bigint) RETURNS SETOF uuid
LANGUAGE plpgsql AS $$
DECLARE
    v_blobs uuid[];
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    WITH gone AS (
        DELETE FROM convor.uploads u
        WHERE u.tenant_id = p_tenant AND u.id IN (
            SELECT s.id FROM convor.uploads s
            WHERE s.tenant_id = p_tenant AND s.bytes IS NULL AND s.created_at < p_stale
            ORDER BY s.created_at, s.id LIMIT p_limit
            FOR UPDATE
        )
        RETURNING u.blob
    )
    SELECT coalesce(array_agg(g.blob), '{}') INTO v_blobs FROM gone g;
    INSERT INTO convor.removable_blobs (tenant_id, blob)
    SELECT p_tenant, w.blob FROM unnest(v_blobs) AS w (blob)
    ON CONFLICT DO NOTHING;
    RETURN QUERY
    SELECT b.blob FROM convor.removable_blobs b WHERE b.tenant_id = p_tenant ORDER BY b.blob LIMIT p_limit;
END
$$;

CREATE FUNCTION convor.uploads_removed(p_tenant uuid, p_blob uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    DELETE FROM convor.removable_blobs b WHERE b.tenant_id = p_tenant AND b.blob = p_blob;
    RETURN FOUND;
END
$$;
