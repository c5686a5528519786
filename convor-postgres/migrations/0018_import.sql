-- Stores records as another storage had them. `p_records` has an array for each table, of objects with its columns; what is
-- there already is left as it is. What is derived is derived anew, so that it does not matter which storage they come from.

CREATE FUNCTION convor.transfer_import(p_tenant uuid, p_records jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    -- It is planned anew, for the tables as large as they are: a plan from when they were empty would be kept until they are
    -- next analysed, and read all that has come since for each record.
    PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);
    -- One import of a tenant at a time: two of the same record would meet in a key that is not the one looked at. It is no
    -- row's lock, so that only imports wait for it.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_tenant::text, 0));
    PERFORM convor.import_people(p_tenant, p_records);
    PERFORM convor.import_conversations(p_tenant, p_records -> 'conversations');
    PERFORM convor.import_events(p_tenant, p_records -> 'events');
    PERFORM convor.import_reads(p_tenant, p_records -> 'reads');
    PERFORM convor.import_work(p_tenant, p_records);
END
$$;

CREATE FUNCTION convor.import_people(p_tenant uuid, p_records jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO convor.profiles (tenant_id, name, digest_key)
    SELECT p_tenant, r.name, r.digest_key
    FROM jsonb_populate_recordset(NULL::convor.profiles, p_records -> 'profiles') AS r
    ON CONFLICT DO NOTHING;
    INSERT INTO convor.sites (tenant_id, id, name, title, greeting, color, origins, created_at)
    SELECT p_tenant, r.id, r.name, r.title, r.greeting, r.color, r.origins, r.created_at
    FROM jsonb_populate_recordset(NULL::convor.sites, p_records -> 'sites') AS r
    ON CONFLICT (tenant_id, id) DO NOTHING;
    INSERT INTO convor.operators (tenant_id, id, name, email, role, created_at)
    SELECT p_tenant, r.id, r.name, r.email, r.role, r.created_at
    FROM jsonb_populate_recordset(NULL::convor.operators, p_records -> 'operators') AS r
    ON CONFLICT (tenant_id, id) DO NOTHING;
    INSERT INTO convor.passwords (tenant_id, operator_id, hash)
    SELECT p_tenant, r.operator_id, r.hash
    FROM jsonb_populate_recordset(NULL::convor.passwords, p_records -> 'passwords') AS r
    ON CONFLICT (tenant_id, operator_id) DO NOTHING;
    INSERT INTO convor.sessions (tenant_id, id, operator_id, token_hash, expires_at)
    SELECT p_tenant, r.id, r.operator_id, r.token_hash, r.expires_at
    FROM jsonb_populate_recordset(NULL::convor.sessions, p_records -> 'sessions') AS r
    ON CONFLICT (tenant_id, id) DO NOTHING;
    INSERT INTO convor.visitors (tenant_id, id, site_id, name, email, created_at)
    SELECT p_tenant, r.id, r.site_id, r.name, r.email, r.created_at
    FROM jsonb_populate_recordset(NULL::convor.visitors, p_records -> 'visitors') AS r
    ON CONFLICT (tenant_id, id) DO NOTHING;
    INSERT INTO convor.visitor_tokens (tenant_id, visitor_id, token_hash)
    SELECT p_tenant, r.visitor_id, r.token_hash
    FROM jsonb_populate_recordset(NULL::convor.visitor_tokens, p_records -> 'visitor_tokens') AS r
    ON CONFLICT (tenant_id, visitor_id) DO NOTHING;
    INSERT INTO convor.pages (tenant_id, visitor_id, url, title, at)
    SELECT p_tenant, r.visitor_id, r.url, r.title, r.at
    FROM jsonb_populate_recordset(NULL::convor.pages, p_records -> 'pages') AS r
    ON CONFLICT (tenant_id, visitor_id) DO NOTHING;
END
$$;

-- Nothing of them is searchable yet. How much was said below the floor is not known and does not matter: only what came
-- after it is counted.
CREATE FUNCTION convor.import_conversations(p_tenant uuid, p_conversations jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_new uuid[];
BEGIN
    WITH stored AS (
        INSERT INTO convor.conversations AS c (
            tenant_id, id, site_id, visitor_id, client_id, digest, with_message, subject, status, snoozed_until,
            assignee, tags, created_at, updated_staff, updated_visitor, head_staff, head_visitor, floor_staff,
            floor_visitor, epoch, version, indexed_staff
        )
        SELECT p_tenant, r.id, r.site_id, r.visitor_id, r.client_id, r.digest, r.with_message, r.subject, r.status,
            r.snoozed_until, r.assignee, r.tags, r.created_at, r.updated_staff, r.updated_visitor, r.head_staff,
            r.head_visitor, r.floor_staff, r.floor_visitor, r.epoch, r.version, r.floor_staff
        FROM jsonb_populate_recordset(NULL::convor.conversations, p_conversations) AS r
        ON CONFLICT (tenant_id, id) DO NOTHING
        RETURNING c.id
    )
    SELECT coalesce(array_agg(s.id), '{}') INTO v_new FROM stored s;
    INSERT INTO convor.conversation_tags (tenant_id, conversation_id, tag, updated_staff)
    SELECT p_tenant, c.id, w.tag, c.updated_staff
    FROM convor.conversations c CROSS JOIN LATERAL unnest(c.tags) AS w (tag)
    WHERE c.tenant_id = p_tenant AND c.id = ANY (v_new)
    ON CONFLICT DO NOTHING;
    INSERT INTO convor.unindexed (tenant_id, conversation_id)
    SELECT p_tenant, c.id FROM convor.conversations c
    WHERE c.tenant_id = p_tenant AND c.id = ANY (v_new) AND c.indexed_staff < c.head_staff;
    -- Before its events are there it may begin with an old one; a purge finds out.
    INSERT INTO convor.log_starts (tenant_id, conversation_id, at)
    SELECT p_tenant, c.id, c.created_at FROM convor.conversations c
    WHERE c.tenant_id = p_tenant AND c.id = ANY (v_new) AND c.floor_staff < c.head_staff;
    INSERT INTO convor.due_work (tenant_id, id, due_at)
    SELECT p_tenant, c.id, c.snoozed_until
    FROM convor.conversations c
    WHERE c.tenant_id = p_tenant AND c.id = ANY (v_new) AND c.snoozed_until IS NOT NULL
    ON CONFLICT DO NOTHING;
END
$$;

-- The events of a conversation come in their order, so that what is derived of one follows from the one before it. What
-- stands at or below the floor has been purged here, and stays away.
CREATE FUNCTION convor.import_events(p_tenant uuid, p_events jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_conversations uuid[];
    v_firsts bigint[];
    v_new uuid[];
    v_news bigint[];
BEGIN
    PERFORM c.id FROM convor.conversations c
    WHERE c.tenant_id = p_tenant AND c.id IN (
        SELECT r.conversation_id FROM jsonb_populate_recordset(NULL::convor.events, p_events) AS r
    )
    ORDER BY c.id
    FOR NO KEY UPDATE;
    SELECT coalesce(array_agg(x.id), '{}'), coalesce(array_agg(x.first), '{}') INTO v_conversations, v_firsts
    FROM (
        SELECT c.id, min(r.staff_seq) AS first
        FROM jsonb_populate_recordset(NULL::convor.events, p_events) AS r
        JOIN convor.conversations c ON c.tenant_id = p_tenant AND c.id = r.conversation_id
        WHERE r.staff_seq > c.floor_staff GROUP BY c.id
    ) AS x;
    WITH stored AS (
        INSERT INTO convor.events AS n (
            tenant_id, conversation_id, staff_seq, visitor_seq, epoch, at, by_kind, by_id, kind, message_id, client_id,
            digest, note, text, from_status, to_status, snoozed_until, assignee, tags, visitor_head, by_visitor,
            to_visitor
        )
        SELECT p_tenant, r.conversation_id, r.staff_seq, r.visitor_seq, r.epoch, r.at, r.by_kind, r.by_id, r.kind,
            r.message_id, r.client_id, r.digest, r.note, r.text, r.from_status, r.to_status, r.snoozed_until,
            r.assignee, r.tags,
            coalesce(max(r.visitor_seq) OVER up_to, before.visitor_head, c.floor_visitor),
            coalesce(before.by_visitor, c.floor_by_visitor)
                + count(*) FILTER (WHERE r.kind = 0 AND r.by_kind = 0) OVER up_to,
            coalesce(before.to_visitor, c.floor_to_visitor)
                + count(*) FILTER (WHERE r.kind = 0 AND r.by_kind <> 0 AND NOT r.note) OVER up_to
        FROM jsonb_populate_recordset(NULL::convor.events, p_events) AS r
        JOIN unnest(v_conversations, v_firsts) AS f (id, first) ON f.id = r.conversation_id
        JOIN convor.conversations c ON c.tenant_id = p_tenant AND c.id = r.conversation_id
        LEFT JOIN convor.events before
            ON before.tenant_id = p_tenant AND before.conversation_id = f.id AND before.staff_seq = f.first - 1
        WHERE r.staff_seq > c.floor_staff
        WINDOW up_to AS (PARTITION BY r.conversation_id ORDER BY r.staff_seq)
        ON CONFLICT (tenant_id, conversation_id, staff_seq) DO NOTHING
        RETURNING n.conversation_id, n.staff_seq
    )
    SELECT coalesce(array_agg(x.id), '{}'), coalesce(array_agg(x.first), '{}') INTO v_new, v_news
    FROM (SELECT s.conversation_id AS id, min(s.staff_seq) AS first FROM stored s GROUP BY s.conversation_id) AS x;
    INSERT INTO convor.unindexed (tenant_id, conversation_id)
    SELECT p_tenant, w.id FROM unnest(v_new) AS w (id)
    ON CONFLICT DO NOTHING;

    INSERT INTO convor.log_starts (tenant_id, conversation_id, at)
    SELECT p_tenant, c.id, e.at
    FROM convor.conversations c
    JOIN convor.events e ON e.tenant_id = p_tenant AND e.conversation_id = c.id AND e.staff_seq = c.floor_staff + 1
    WHERE c.tenant_id = p_tenant AND c.id = ANY (v_conversations)
    ON CONFLICT (tenant_id, conversation_id) DO UPDATE SET at = excluded.at;
    -- Once, for the reason that `events_append` says. What was appended before they came may have been indexed: they are not.
    UPDATE convor.conversations c
    SET by_visitor = greatest(c.by_visitor, s.by_visitor), to_visitor = greatest(c.to_visitor, s.to_visitor),
        last_message = greatest(c.last_message, s.last_message),
        last_visible_message = greatest(c.last_visible_message, s.last_visible_message),
        indexed_staff = least(c.indexed_staff, s.first_new - 1)
    FROM (
        SELECT e.conversation_id AS id, max(e.by_visitor) AS by_visitor, max(e.to_visitor) AS to_visitor,
            max(e.staff_seq) FILTER (WHERE e.kind = 0) AS last_message,
            max(e.staff_seq) FILTER (WHERE e.kind = 0 AND NOT e.note) AS last_visible_message,
            min(n.first) AS first_new
        FROM unnest(v_conversations, v_firsts) AS f (id, first)
        LEFT JOIN unnest(v_new, v_news) AS n (id, first) ON n.id = f.id
        JOIN convor.events e ON e.tenant_id = p_tenant AND e.conversation_id = f.id AND e.staff_seq >= f.first
        GROUP BY e.conversation_id
    ) AS s
    WHERE c.tenant_id = p_tenant AND c.id = s.id;
END
$$;

CREATE FUNCTION convor.import_reads(p_tenant uuid, p_reads jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO convor.reads (tenant_id, conversation_id, reader_id, reader_kind, staff_seq, visitor_seq, seen)
    SELECT p_tenant, r.conversation_id, r.reader_id, r.reader_kind, r.staff_seq, r.visitor_seq,
        CASE WHEN r.reader_kind = 0 THEN coalesce(e.to_visitor, 0) ELSE coalesce(e.by_visitor, 0) END
    FROM jsonb_populate_recordset(NULL::convor.reads, p_reads) AS r
    LEFT JOIN convor.events e
        ON e.tenant_id = p_tenant AND e.conversation_id = r.conversation_id AND e.staff_seq = r.staff_seq
    ON CONFLICT (tenant_id, conversation_id, reader_id, reader_kind) DO NOTHING;
END
$$;

CREATE FUNCTION convor.import_work(p_tenant uuid, p_records jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_head bigint;
BEGIN
    INSERT INTO convor.uploads (
        tenant_id, id, conversation_id, by_kind, by_id, name, media_type, blob, created_at, bytes, sha256
    )
    SELECT p_tenant, r.id, r.conversation_id, r.by_kind, r.by_id, r.name, r.media_type, r.blob, r.created_at, r.bytes,
        r.sha256
    FROM jsonb_populate_recordset(NULL::convor.uploads, p_records -> 'uploads') AS r
    ON CONFLICT (tenant_id, id) DO NOTHING;
    -- A key is with its upload or among the removable ones, never both.
    DELETE FROM convor.removable_blobs b
    WHERE b.tenant_id = p_tenant AND b.blob IN (
        SELECT r.blob FROM jsonb_populate_recordset(NULL::convor.uploads, p_records -> 'uploads') AS r
    );
    INSERT INTO convor.removable_blobs (tenant_id, blob)
    SELECT p_tenant, r.blob
    FROM jsonb_populate_recordset(NULL::convor.removable_blobs, p_records -> 'removable_blobs') AS r
    WHERE NOT EXISTS (SELECT u.id FROM convor.uploads u WHERE u.tenant_id = p_tenant AND u.blob = r.blob)
    ON CONFLICT DO NOTHING;
    INSERT INTO convor.audit (tenant_id, id, by_kind, by_id, at, action, target)
    SELECT p_tenant, r.id, r.by_kind, r.by_id, r.at, r.action, r.target
    FROM jsonb_populate_recordset(NULL::convor.audit, p_records -> 'audit') AS r
    ON CONFLICT (tenant_id, id) DO NOTHING;
    WITH stored AS (
        INSERT INTO convor.notifications AS n (tenant_id, id, kind, conversation_id, attempts, held_until)
        SELECT p_tenant, r.id, r.kind, r.conversation_id, r.attempts, r.held_until
        FROM jsonb_populate_recordset(NULL::convor.notifications, p_records -> 'notifications') AS r
        ON CONFLICT (tenant_id, id) DO NOTHING
        RETURNING n.id, n.held_until
    )
    INSERT INTO convor.due_work (tenant_id, id, due_at)
    SELECT p_tenant, s.id, coalesce(s.held_until, 0) FROM stored s
    ON CONFLICT DO NOTHING;
    SELECT max(r.position) INTO v_head
    FROM jsonb_populate_recordset(NULL::convor.control_events, p_records -> 'control_events') AS r;
    IF v_head IS NOT NULL THEN
        -- The tenant's row first, as with every other entry of the control log.
        UPDATE convor.tenants t SET control_head = greatest(t.control_head, v_head) WHERE t.tenant_id = p_tenant;
        INSERT INTO convor.control_events (tenant_id, position, kind, session_id)
        SELECT p_tenant, r.position, r.kind, r.session_id
        FROM jsonb_populate_recordset(NULL::convor.control_events, p_records -> 'control_events') AS r
        ON CONFLICT (tenant_id, position) DO NOTHING;
    END IF;
END
$$;
