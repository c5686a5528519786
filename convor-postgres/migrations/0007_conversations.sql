-- Conversations: how they are opened, changed and seen.

-- A conversation as a reader sees it, with what stands around it.
CREATE TYPE convor.conversation_view AS (
    conversation convor.conversations,
    visitor convor.visitors,
    page convor.pages,
    last_message convor.events,
    read_up_to bigint,
    other_read bigint,
    unread bigint
);

-- What became of an opening: 0 opened, 1 a repeat, 2 the client's id came before with another body, 3 too many, 4 no such
-- visitor on this site.
CREATE TYPE convor.opened AS (
    outcome smallint,
    conversation convor.conversations,
    first_event convor.events
);

-- What became of a change: 0 it is so now, 1 another version, 2 no such operator, 3 no such conversation. One row for each
-- event, and one without an event if there is none.
CREATE TYPE convor.updated AS (
    outcome smallint,
    conversation convor.conversations,
    event convor.events
);

-- The message is NULL for an opening without one.
CREATE FUNCTION convor.conversations_open(
    p_tenant uuid, p_change convor.change, p_id uuid, p_client uuid, p_digest bytea, p_site uuid, p_visitor uuid,
    p_subject text, p_conversations_max bigint, p_message uuid, p_message_client uuid, p_message_digest bytea,
    p_note boolean, p_text text
) RETURNS convor.opened LANGUAGE plpgsql AS $$
DECLARE
    v_opened convor.opened;
    v_conversation convor.conversations;
    v_event convor.events;
    v_count bigint;
    v_epoch bigint;
    v_said bigint := 0;
    v_seen bigint := 0;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    -- One opening of a visitor at a time, for the bound and for repeats.
    PERFORM v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant AND v.id = p_visitor AND v.site_id = p_site
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        v_opened.outcome := 4;
        RETURN v_opened;
    END IF;
    SELECT c.* INTO v_conversation
    FROM convor.conversations c
    WHERE c.tenant_id = p_tenant AND c.site_id = p_site AND c.visitor_id = p_visitor AND c.client_id = p_client;
    IF FOUND THEN
        IF v_conversation.digest IS NOT NULL AND v_conversation.digest <> p_digest THEN
            v_opened.outcome := 2;
            RETURN v_opened;
        END IF;
        IF v_conversation.with_message THEN
            SELECT e.* INTO v_event
            FROM convor.events e
            WHERE e.tenant_id = p_tenant AND e.conversation_id = v_conversation.id AND e.staff_seq = 1;
            IF FOUND THEN
                v_opened.first_event := v_event;
            END IF;
        END IF;
        v_opened.outcome := 1;
        v_opened.conversation := v_conversation;
        RETURN v_opened;
    END IF;
    SELECT count(*) INTO v_count
    FROM (
        SELECT c.id FROM convor.conversations c
        WHERE c.tenant_id = p_tenant AND c.visitor_id = p_visitor LIMIT p_conversations_max
    ) AS had;
    IF v_count >= p_conversations_max THEN
        v_opened.outcome := 3;
        RETURN v_opened;
    END IF;

    SELECT t.epoch INTO v_epoch FROM convor.tenants t WHERE t.tenant_id = p_tenant;
    IF p_message IS NOT NULL THEN
        v_said := 1;
        v_seen := CASE WHEN p_note THEN 0 ELSE 1 END;
    END IF;
    INSERT INTO convor.conversations AS c (
        tenant_id, id, site_id, visitor_id, client_id, digest, with_message, subject, status, created_at,
        updated_staff, updated_visitor, head_staff, head_visitor, epoch, last_message, last_visible_message, by_visitor
    )
    VALUES (
        p_tenant, p_id, p_site, p_visitor, p_client, p_digest, p_message IS NOT NULL, p_subject, 0, p_change.at,
        p_change.at, p_change.at, v_said, v_seen, v_epoch, v_said, v_seen, v_said
    )
    RETURNING c.* INTO v_conversation;
    IF p_message IS NOT NULL THEN
        INSERT INTO convor.events AS e (
            tenant_id, conversation_id, staff_seq, visitor_seq, epoch, at, by_kind, by_id, kind, message_id, client_id,
            digest, note, text, visitor_head, by_visitor, to_visitor
        )
        VALUES (
            p_tenant, p_id, 1, CASE WHEN p_note THEN NULL ELSE 1 END, v_epoch, p_change.at, 0, p_visitor, 0, p_message,
            p_message_client, p_message_digest, p_note, p_text, v_seen, 1, 0
        )
        RETURNING e.* INTO v_event;
        INSERT INTO convor.log_starts (tenant_id, conversation_id, at) VALUES (p_tenant, p_id, p_change.at);
        INSERT INTO convor.unindexed (tenant_id, conversation_id) VALUES (p_tenant, p_id);
        v_opened.first_event := v_event;
    END IF;
    PERFORM convor.commit_change(p_tenant, p_change);
    v_opened.outcome := 0;
    v_opened.conversation := v_conversation;
    RETURN v_opened;
END
$$;

CREATE FUNCTION convor.conversations_find(p_tenant uuid, p_id uuid) RETURNS SETOF convor.conversations
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY SELECT c.* FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.id = p_id;
END
$$;

-- Those of `p_ids` that there are, in that order. What is unread is counted by differences: see `convor.events`.
CREATE FUNCTION convor.conversations_view(p_tenant uuid, p_ids uuid[], p_reader_kind smallint, p_reader uuid)
RETURNS SETOF convor.conversation_view LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT c, v, g, e,
        CASE WHEN p_reader_kind = 0 THEN coalesce(r.visitor_seq, 0) ELSE coalesce(r.staff_seq, 0) END,
        coalesce(others.up_to, 0),
        CASE WHEN p_reader_kind = 0
            THEN least(100, c.to_visitor - greatest(coalesce(r.seen, 0), c.floor_to_visitor))
            ELSE least(100, c.by_visitor - greatest(coalesce(r.seen, 0), c.floor_by_visitor))
        END
    FROM unnest(p_ids) WITH ORDINALITY AS w (id, place)
    JOIN convor.conversations c ON c.tenant_id = p_tenant AND c.id = w.id
    JOIN convor.visitors v ON v.tenant_id = p_tenant AND v.id = c.visitor_id
    LEFT JOIN convor.pages g ON g.tenant_id = p_tenant AND g.visitor_id = c.visitor_id
    LEFT JOIN convor.events e ON e.tenant_id = p_tenant AND e.conversation_id = c.id
        AND e.staff_seq = CASE WHEN p_reader_kind = 0 THEN c.last_visible_message ELSE c.last_message END
    -- The limit keeps the planner from reading all that the reader has ever read, and joining that.
    LEFT JOIN LATERAL (
        SELECT x.staff_seq, x.visitor_seq, x.seen FROM convor.reads x
        WHERE x.tenant_id = p_tenant AND x.conversation_id = c.id AND x.reader_id = p_reader
            AND x.reader_kind = p_reader_kind
        LIMIT 1
    ) AS r ON true
    LEFT JOIN LATERAL (
        SELECT max(CASE WHEN p_reader_kind = 0 THEN o.visitor_seq ELSE o.staff_seq END) AS up_to
        FROM convor.reads o
        WHERE o.tenant_id = p_tenant AND o.conversation_id = c.id
            AND o.reader_kind = CASE WHEN p_reader_kind = 0 THEN 1 ELSE 0 END
    ) AS others ON true
    ORDER BY w.place;
END
$$;

-- A visitor's own conversations, strictly below `(p_before_at, p_before_id)`.
CREATE FUNCTION convor.conversations_page_of(
    p_tenant uuid, p_reader_kind smallint, p_reader uuid, p_before_at bigint, p_before_id uuid, p_limit bigint,
    p_visitor uuid
) RETURNS SETOF convor.conversation_view LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids uuid[];
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    SELECT array_agg(x.id ORDER BY x.at DESC, x.id DESC) INTO v_ids
    FROM (
        SELECT c.updated_visitor AS at, c.id
        FROM convor.conversations c
        WHERE c.tenant_id = p_tenant AND c.visitor_id = p_visitor
            AND (c.updated_visitor, c.id) < (p_before_at, p_before_id)
        ORDER BY c.updated_visitor DESC, c.id DESC LIMIT p_limit
    ) AS x;
    RETURN QUERY SELECT w.* FROM convor.conversations_view(p_tenant, v_ids, p_reader_kind, p_reader) AS w;
END
$$;

-- The inbox, strictly below `(p_before_at, p_before_id)`. It walks down an index and stops at the limit: that of the tag, where
-- the other filters are looked at on the way, else that of each wanted status, of the assignee if one is wanted. Without a filter by status
-- `p_statuses` names every one.
CREATE FUNCTION convor.conversations_page_inbox(
    p_tenant uuid, p_reader_kind smallint, p_reader uuid, p_before_at bigint, p_before_id uuid, p_limit bigint,
    p_statuses smallint[], p_nobody boolean, p_assignee uuid, p_tag text
) RETURNS SETOF convor.conversation_view LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids uuid[];
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    IF p_tag IS NOT NULL THEN
        SELECT array_agg(x.id ORDER BY x.at DESC, x.id DESC) INTO v_ids
        FROM (
            SELECT t.updated_staff AS at, t.conversation_id AS id
            FROM convor.conversation_tags t
            -- The limit keeps the planner from reading all conversations of the tenant, and joining those.
            CROSS JOIN LATERAL (
                SELECT c.id FROM convor.conversations c
                WHERE c.tenant_id = p_tenant AND c.id = t.conversation_id AND c.status = ANY (p_statuses)
                    AND (NOT p_nobody OR c.assignee IS NULL) AND (p_assignee IS NULL OR c.assignee = p_assignee)
                LIMIT 1
            ) AS tagged
            WHERE t.tenant_id = p_tenant AND t.tag = p_tag
                AND (t.updated_staff, t.conversation_id) < (p_before_at, p_before_id)
            ORDER BY t.updated_staff DESC, t.conversation_id DESC LIMIT p_limit
        ) AS x;
    ELSIF p_assignee IS NOT NULL THEN
        SELECT array_agg(x.id ORDER BY x.at DESC, x.id DESC) INTO v_ids
        FROM (
            SELECT l.at, l.id
            FROM unnest(p_statuses) AS s (status)
            CROSS JOIN LATERAL (
                SELECT c.updated_staff AS at, c.id
                FROM convor.conversations c
                WHERE c.tenant_id = p_tenant AND c.assignee = p_assignee AND c.status = s.status
                    AND (c.updated_staff, c.id) < (p_before_at, p_before_id)
                ORDER BY c.updated_staff DESC, c.id DESC LIMIT p_limit
            ) AS l
            ORDER BY l.at DESC, l.id DESC LIMIT p_limit
        ) AS x;
    ELSIF p_nobody THEN
        SELECT array_agg(x.id ORDER BY x.at DESC, x.id DESC) INTO v_ids
        FROM (
            SELECT l.at, l.id
            FROM unnest(p_statuses) AS s (status)
            CROSS JOIN LATERAL (
                SELECT c.updated_staff AS at, c.id
                FROM convor.conversations c
                WHERE c.tenant_id = p_tenant AND c.assignee IS NULL AND c.status = s.status
                    AND (c.updated_staff, c.id) < (p_before_at, p_before_id)
                -- `assignee` is NULL throughout; named, the order is that of the index.
                ORDER BY c.assignee DESC, c.updated_staff DESC, c.id DESC LIMIT p_limit
            ) AS l
            ORDER BY l.at DESC, l.id DESC LIMIT p_limit
        ) AS x;
    ELSE
        SELECT array_agg(x.id ORDER BY x.at DESC, x.id DESC) INTO v_ids
        FROM (
            SELECT l.at, l.id
            FROM unnest(p_statuses) AS s (status)
            CROSS JOIN LATERAL (
                SELECT c.updated_staff AS at, c.id
                FROM convor.conversations c
                WHERE c.tenant_id = p_tenant AND c.status = s.status
                    AND (c.updated_staff, c.id) < (p_before_at, p_before_id)
                ORDER BY c.updated_staff DESC, c.id DESC LIMIT p_limit
            ) AS l
            ORDER BY l.at DESC, l.id DESC LIMIT p_limit
        ) AS x;
    END IF;
    RETURN QUERY SELECT w.* FROM convor.conversations_view(p_tenant, v_ids, p_reader_kind, p_reader) AS w;
END
$$;

CREATE FUNCTION convor.conversations_due_snoozes(p_tenant uuid, p_now bigint, p_limit bigint)
RETURNS TABLE (conversation uuid, in_version bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    RETURN QUERY
    SELECT c.id, c.version FROM convor.conversations c
    WHERE c.tenant_id = p_tenant AND c.snoozed_until <= p_now
    ORDER BY c.snoozed_until, c.id LIMIT p_limit;
END
$$;
