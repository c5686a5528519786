-- The event logs of conversations.

-- What became of a message: 0 stored, 1 a repeat, 2 the client's id came before with another body, 3 no such conversation.
-- Of a repeat it is the first event; of what was stored, what the caller does not know.
CREATE TYPE convor.appended AS (
    outcome smallint,
    visitor_id uuid,
    head_staff bigint,
    head_visitor bigint,
    staff_seq bigint,
    visitor_seq bigint,
    epoch bigint,
    at bigint,
    message_id uuid,
    note boolean,
    text text,
    -- The status before, if it was opened by it: the event of that is the last one.
    reopened_from smallint
);

-- A page of a log: the log, and an event of it or none.
CREATE TYPE convor.log_row AS (
    visitor_id uuid,
    head_staff bigint,
    head_visitor bigint,
    floor_staff bigint,
    floor_visitor bigint,
    epoch bigint,
    event convor.events
);

-- A repeat is found by the insert itself, so that a new message costs no lookup; only a repeat is looked up.
--
-- The conversation's row is updated once. A second time in one transaction the server would check the row's foreign keys
-- again, and lock a visitor after a conversation: out of the order that keeps it from waiting for an erasure in a ring.
CREATE FUNCTION convor.events_append(
    p_tenant uuid, p_change convor.change, p_conversation uuid, p_by_kind smallint, p_by uuid, p_message uuid,
    p_client uuid, p_digest bytea, p_note boolean, p_text text, p_reopen boolean
) RETURNS convor.appended LANGUAGE plpgsql AS $$
DECLARE
    v_appended convor.appended;
    v_conversation record;
    v_at bigint := p_change.at;
    v_staff bigint;
    v_visitor bigint;
    v_by_visitor bigint;
    v_to_visitor bigint;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    -- Whoever holds this lock is the only one that appends here, so that neither a repeat nor a position can be raced for.
    SELECT c.visitor_id, c.status, c.tags <> '{}' AS is_tagged, c.epoch, c.head_staff, c.head_visitor, c.by_visitor,
        c.to_visitor, c.floor_staff, c.indexed_staff
    INTO v_conversation
    FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.id = p_conversation
    FOR NO KEY UPDATE;
    IF NOT FOUND OR (p_by_kind = 0 AND p_by <> v_conversation.visitor_id) THEN
        v_appended.outcome := 3;
        RETURN v_appended;
    END IF;
    v_staff := v_conversation.head_staff + 1;
    v_visitor := v_conversation.head_visitor + CASE WHEN p_note THEN 0 ELSE 1 END;
    v_by_visitor := v_conversation.by_visitor + CASE WHEN p_by_kind = 0 THEN 1 ELSE 0 END;
    v_to_visitor := v_conversation.to_visitor + CASE WHEN p_by_kind = 0 OR p_note THEN 0 ELSE 1 END;
    v_appended.staff_seq := v_staff;
    v_appended.visitor_seq := CASE WHEN p_note THEN NULL ELSE v_visitor END;
    INSERT INTO convor.events (
        tenant_id, conversation_id, staff_seq, visitor_seq, epoch, at, by_kind, by_id, kind, message_id, client_id,
        digest, note, text, visitor_head, by_visitor, to_visitor
    )
    VALUES (
        p_tenant, p_conversation, v_staff, v_appended.visitor_seq, v_conversation.epoch, v_at, p_by_kind, p_by, 0,
        p_message, p_client, p_digest, p_note, p_text, v_visitor, v_by_visitor, v_to_visitor
    )
    ON CONFLICT (tenant_id, client_id, conversation_id, by_id, by_kind) DO NOTHING;
    IF NOT FOUND THEN
        SELECT CASE WHEN e.digest <> p_digest THEN 2 ELSE 1 END, e.staff_seq, e.visitor_seq, e.epoch, e.at,
            e.message_id, e.note, e.text
        INTO v_appended.outcome, v_appended.staff_seq, v_appended.visitor_seq, v_appended.epoch, v_appended.at,
            v_appended.message_id, v_appended.note, v_appended.text
        FROM convor.events e
        WHERE e.tenant_id = p_tenant AND e.client_id = p_client AND e.conversation_id = p_conversation
            AND e.by_id = p_by AND e.by_kind = p_by_kind;
        RETURN v_appended;
    END IF;

    v_appended.outcome := 0;
    v_appended.visitor_id := v_conversation.visitor_id;
    v_appended.head_staff := v_staff;
    v_appended.head_visitor := v_visitor;
    v_appended.epoch := v_conversation.epoch;
    v_appended.at := v_at;
    IF p_reopen AND v_conversation.status <> 0 THEN
        v_appended.reopened_from := v_conversation.status;
        v_appended.head_staff := v_staff + 1;
        -- A visitor has seen a snoozed one as open.
        v_appended.head_visitor := v_visitor + CASE WHEN v_conversation.status = 2 THEN 1 ELSE 0 END;
        INSERT INTO convor.events (
            tenant_id, conversation_id, staff_seq, visitor_seq, epoch, at, by_kind, by_id, kind, from_status, to_status,
            visitor_head, by_visitor, to_visitor
        )
        VALUES (
            p_tenant, p_conversation, v_appended.head_staff,
            CASE WHEN v_conversation.status = 2 THEN v_appended.head_visitor END, v_conversation.epoch, v_at, p_by_kind,
            p_by, 1, v_conversation.status, 0, v_appended.head_visitor, v_by_visitor, v_to_visitor
        );
    END IF;

    UPDATE convor.conversations c
    SET head_staff = v_appended.head_staff, head_visitor = v_appended.head_visitor,
        updated_staff = greatest(c.updated_staff, v_at),
        updated_visitor = CASE WHEN c.head_visitor < v_appended.head_visitor THEN greatest(c.updated_visitor, v_at)
            ELSE c.updated_visitor END,
        last_message = v_staff,
        last_visible_message = CASE WHEN p_note THEN c.last_visible_message ELSE v_staff END,
        by_visitor = v_by_visitor, to_visitor = v_to_visitor,
        status = CASE WHEN v_appended.reopened_from IS NULL THEN c.status ELSE 0 END,
        snoozed_until = CASE WHEN v_appended.reopened_from IS NULL THEN c.snoozed_until END,
        version = c.version + CASE WHEN v_appended.reopened_from IS NULL THEN 0 ELSE 1 END
    WHERE c.tenant_id = p_tenant AND c.id = p_conversation;
    IF v_appended.reopened_from = 1 THEN
        DELETE FROM convor.due_work d WHERE d.tenant_id = p_tenant AND d.id = p_conversation;
    END IF;
    IF v_conversation.is_tagged THEN
        UPDATE convor.conversation_tags t SET updated_staff = greatest(t.updated_staff, v_at)
        WHERE t.tenant_id = p_tenant AND t.conversation_id = p_conversation;
    END IF;
    IF v_conversation.head_staff = v_conversation.floor_staff THEN
        INSERT INTO convor.log_starts (tenant_id, conversation_id, at) VALUES (p_tenant, p_conversation, v_at)
        ON CONFLICT DO NOTHING;
    END IF;
    IF v_conversation.head_staff = v_conversation.indexed_staff THEN
        INSERT INTO convor.unindexed (tenant_id, conversation_id) VALUES (p_tenant, p_conversation)
        ON CONFLICT DO NOTHING;
    END IF;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN v_appended;
END
$$;

-- Several messages in one transaction, and their answers in the same order. The caller orders them by tenant and
-- conversation, and hands in neither two of one conversation nor any with control events: two batches, or a batch and an
-- erasure, would otherwise wait for each other in a ring. Each change has at most one notification; its id is NULL if there is none.
CREATE FUNCTION convor.events_append_batch(
    p_tenants uuid[], p_actor_kinds smallint[], p_actors uuid[], p_ats bigint[], p_audits uuid[], p_audit_actions text[],
    p_audit_targets uuid[], p_notifications uuid[], p_notification_kinds smallint[], p_notification_conversations uuid[],
    p_conversations uuid[], p_by_kinds smallint[], p_bys uuid[], p_messages uuid[], p_clients uuid[], p_digests bytea[],
    p_notes boolean[], p_texts text[], p_reopens boolean[]
) RETURNS SETOF convor.appended LANGUAGE plpgsql AS $$
DECLARE
    v_item record;
    v_change convor.change;
    v_appended convor.appended;
BEGIN
    FOR v_item IN
        SELECT i.* FROM unnest(
            p_tenants, p_actor_kinds, p_actors, p_ats, p_audits, p_audit_actions, p_audit_targets, p_notifications,
            p_notification_kinds, p_notification_conversations, p_conversations, p_by_kinds, p_bys, p_messages,
            p_clients, p_digests, p_notes, p_texts, p_reopens
        ) AS i (
            tenant, actor_kind, actor, at, audit, audit_action, audit_target, notification, notification_kind,
            notification_conversation, conversation, by_kind, by_id, message, client, digest, note, text, reopen
        )
    LOOP
        v_change := ROW(
            v_item.actor_kind, v_item.actor, v_item.at, v_item.audit, v_item.audit_action, v_item.audit_target,
            NULL, NULL, NULL, NULL, NULL
        );
        IF v_item.notification IS NOT NULL THEN
            v_change.notification_ids := ARRAY[v_item.notification];
            v_change.notification_kinds := ARRAY[v_item.notification_kind];
            v_change.notification_conversations := ARRAY[v_item.notification_conversation];
        END IF;
        v_appended := convor.events_append(
            v_item.tenant, v_change, v_item.conversation, v_item.by_kind, v_item.by_id, v_item.message, v_item.client,
            v_item.digest, v_item.note, v_item.text, v_item.reopen
        );
        RETURN NEXT v_appended;
    END LOOP;
END
$$;

-- A page of the visitor's numbering or of that of staff. Neither has holes above its floor, so that a page is a range.
-- `p_window` is 0 for the first above `p_seq`, 1 for the last below it, 2 for the last of all.
CREATE FUNCTION convor.events_page(
    p_tenant uuid, p_conversation uuid, p_visitor boolean, p_window smallint, p_seq bigint, p_limit bigint
) RETURNS SETOF convor.log_row LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_head bigint;
    v_floor bigint;
    v_last bigint;
    v_after bigint;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    SELECT CASE WHEN p_visitor THEN c.head_visitor ELSE c.head_staff END,
        CASE WHEN p_visitor THEN c.floor_visitor ELSE c.floor_staff END
    INTO v_head, v_floor
    FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.id = p_conversation;
    IF p_window = 0 THEN
        v_after := least(greatest(p_seq, v_floor), v_head);
        v_last := CASE WHEN p_limit < v_head - v_after THEN v_after + p_limit ELSE v_head END;
    ELSE
        v_last := CASE WHEN p_window = 1 THEN least(p_seq - 1, v_head) ELSE v_head END;
        v_after := CASE WHEN p_limit < v_last - v_floor THEN v_last - p_limit ELSE v_floor END;
    END IF;
    IF p_visitor THEN
        RETURN QUERY
        SELECT c.visitor_id, c.head_staff, c.head_visitor, c.floor_staff, c.floor_visitor, c.epoch, e
        FROM convor.conversations c
        LEFT JOIN convor.events e ON e.tenant_id = p_tenant AND e.conversation_id = p_conversation
            AND e.visitor_seq > v_after AND e.visitor_seq <= v_last
        WHERE c.tenant_id = p_tenant AND c.id = p_conversation
        ORDER BY e.visitor_seq;
    ELSE
        RETURN QUERY
        SELECT c.visitor_id, c.head_staff, c.head_visitor, c.floor_staff, c.floor_visitor, c.epoch, e
        FROM convor.conversations c
        LEFT JOIN convor.events e ON e.tenant_id = p_tenant AND e.conversation_id = p_conversation
            AND e.staff_seq > v_after AND e.staff_seq <= v_last
        WHERE c.tenant_id = p_tenant AND c.id = p_conversation
        ORDER BY e.staff_seq;
    END IF;
END
$$;
