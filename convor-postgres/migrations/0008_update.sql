-- Changes a conversation's status, assignee or tags, if it still has `p_version`. A field is left as it is unless its flag
-- is set (for the status: unless it is NULL). Each that really changes adds one event.

CREATE FUNCTION convor.conversations_update(
    p_tenant uuid, p_change convor.change, p_id uuid, p_version bigint, p_status smallint, p_snoozed_until bigint,
    p_set_assignee boolean, p_assignee uuid, p_set_tags boolean, p_tags text[]
) RETURNS SETOF convor.updated LANGUAGE plpgsql AS $$
DECLARE
    v_result convor.updated;
    v_conversation convor.conversations;
    v_event convor.events;
    v_events convor.events[] := '{}';
    v_first bigint;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    SELECT c.* INTO v_conversation
    FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.id = p_id
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        v_result.outcome := 3;
        RETURN NEXT v_result;
        RETURN;
    END IF;
    IF v_conversation.version <> p_version THEN
        v_result.outcome := 1;
        RETURN NEXT v_result;
        RETURN;
    END IF;
    IF p_set_assignee AND p_assignee IS NOT NULL THEN
        PERFORM o.id FROM convor.operators o WHERE o.tenant_id = p_tenant AND o.id = p_assignee;
        IF NOT FOUND THEN
            v_result.outcome := 2;
            RETURN NEXT v_result;
            RETURN;
        END IF;
    END IF;

    v_first := v_conversation.head_staff;
    v_event.conversation_id := p_id;
    v_event.epoch := v_conversation.epoch;
    v_event.at := p_change.at;
    v_event.by_kind := p_change.by_kind;
    v_event.by_id := p_change.by_id;
    v_event.by_visitor := v_conversation.by_visitor;
    v_event.to_visitor := v_conversation.to_visitor;
    IF p_status IS NOT NULL
        AND (p_status <> v_conversation.status OR p_snoozed_until IS DISTINCT FROM v_conversation.snoozed_until)
    THEN
        v_event.kind := 1;
        v_event.from_status := v_conversation.status;
        v_event.to_status := p_status;
        v_event.snoozed_until := p_snoozed_until;
        -- A visitor sees a snoozed one as open.
        IF (v_event.from_status = 2) <> (p_status = 2) THEN
            v_conversation.head_visitor := v_conversation.head_visitor + 1;
            v_conversation.updated_visitor := greatest(v_conversation.updated_visitor, p_change.at);
            v_event.visitor_seq := v_conversation.head_visitor;
        END IF;
        v_conversation.status := p_status;
        v_conversation.snoozed_until := p_snoozed_until;
        v_conversation.head_staff := v_conversation.head_staff + 1;
        v_event.staff_seq := v_conversation.head_staff;
        v_event.visitor_head := v_conversation.head_visitor;
        v_events := v_events || v_event;
        DELETE FROM convor.due_work d WHERE d.tenant_id = p_tenant AND d.id = p_id;
        IF p_snoozed_until IS NOT NULL THEN
            INSERT INTO convor.due_work (tenant_id, id, due_at) VALUES (p_tenant, p_id, p_snoozed_until);
        END IF;
    END IF;
    v_event.visitor_seq := NULL;
    v_event.visitor_head := v_conversation.head_visitor;
    v_event.from_status := NULL;
    v_event.to_status := NULL;
    v_event.snoozed_until := NULL;
    IF p_set_assignee AND p_assignee IS DISTINCT FROM v_conversation.assignee THEN
        v_conversation.assignee := p_assignee;
        v_conversation.head_staff := v_conversation.head_staff + 1;
        v_event.kind := 2;
        v_event.staff_seq := v_conversation.head_staff;
        v_event.assignee := p_assignee;
        v_events := v_events || v_event;
        v_event.assignee := NULL;
    END IF;
    IF p_set_tags AND p_tags <> v_conversation.tags THEN
        v_conversation.tags := p_tags;
        v_conversation.head_staff := v_conversation.head_staff + 1;
        v_event.kind := 3;
        v_event.staff_seq := v_conversation.head_staff;
        v_event.tags := p_tags;
        v_events := v_events || v_event;
        DELETE FROM convor.conversation_tags t WHERE t.tenant_id = p_tenant AND t.conversation_id = p_id;
        INSERT INTO convor.conversation_tags (tenant_id, conversation_id, tag, updated_staff)
        SELECT p_tenant, p_id, w.tag, v_conversation.updated_staff FROM unnest(p_tags) AS w (tag)
        ON CONFLICT DO NOTHING;
    END IF;

    v_result.outcome := 0;
    IF v_conversation.head_staff = v_first THEN
        v_result.conversation := v_conversation;
        RETURN NEXT v_result;
        RETURN;
    END IF;
    v_conversation.version := v_conversation.version + 1;
    v_conversation.updated_staff := greatest(v_conversation.updated_staff, p_change.at);
    UPDATE convor.conversations c
    SET status = v_conversation.status, snoozed_until = v_conversation.snoozed_until,
        assignee = v_conversation.assignee, tags = v_conversation.tags, version = v_conversation.version,
        head_staff = v_conversation.head_staff, head_visitor = v_conversation.head_visitor,
        updated_staff = v_conversation.updated_staff, updated_visitor = v_conversation.updated_visitor
    WHERE c.tenant_id = p_tenant AND c.id = p_id;
    UPDATE convor.conversation_tags t SET updated_staff = v_conversation.updated_staff
    WHERE t.tenant_id = p_tenant AND t.conversation_id = p_id;
    INSERT INTO convor.events (
        tenant_id, conversation_id, staff_seq, visitor_seq, epoch, at, by_kind, by_id, kind, from_status, to_status,
        snoozed_until, assignee, tags, visitor_head, by_visitor, to_visitor
    )
    SELECT p_tenant, p_id, n.staff_seq, n.visitor_seq, n.epoch, n.at, n.by_kind, n.by_id, n.kind, n.from_status,
        n.to_status, n.snoozed_until, n.assignee, n.tags, n.visitor_head, n.by_visitor, n.to_visitor
    FROM unnest(v_events) AS n;
    IF v_first = v_conversation.floor_staff THEN
        INSERT INTO convor.log_starts (tenant_id, conversation_id, at) VALUES (p_tenant, p_id, p_change.at)
        ON CONFLICT DO NOTHING;
    END IF;
    IF v_first = v_conversation.indexed_staff THEN
        INSERT INTO convor.unindexed (tenant_id, conversation_id) VALUES (p_tenant, p_id)
        ON CONFLICT DO NOTHING;
    END IF;
    PERFORM convor.commit_change(p_tenant, p_change);
    FOREACH v_event IN ARRAY v_events LOOP
        v_result.conversation := v_conversation;
        v_result.event := v_event;
        RETURN NEXT v_result;
    END LOOP;
END
$$;
