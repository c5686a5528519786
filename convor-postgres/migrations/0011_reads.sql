-- How far members have read.

-- Moves a reader's position up to the event at `p_seq` in the visitor's numbering or in that of staff, or to the last one.
-- Nothing comes back if it does not move forward.
CREATE FUNCTION convor.reads_advance(
    p_tenant uuid, p_change convor.change, p_conversation uuid, p_reader_kind smallint, p_reader uuid, p_visitor boolean,
    p_seq bigint
) RETURNS TABLE (of_visitor uuid, from_staff bigint, from_visitor bigint, to_staff bigint, to_visitor bigint)
LANGUAGE plpgsql AS $$
DECLARE
    v_conversation convor.conversations;
    v_event convor.events;
    v_read convor.reads;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    SELECT c.* INTO v_conversation
    FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.id = p_conversation
    FOR NO KEY UPDATE;
    IF NOT FOUND OR (p_reader_kind = 0 AND p_reader <> v_conversation.visitor_id) THEN
        RETURN;
    END IF;
    IF p_visitor THEN
        SELECT e.* INTO v_event
        FROM convor.events e
        WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation
            AND e.visitor_seq = least(p_seq, v_conversation.head_visitor);
    ELSE
        SELECT e.* INTO v_event
        FROM convor.events e
        WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation
            AND e.staff_seq = least(p_seq, v_conversation.head_staff);
    END IF;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT r.* INTO v_read
    FROM convor.reads r
    WHERE r.tenant_id = p_tenant AND r.conversation_id = p_conversation AND r.reader_id = p_reader
        AND r.reader_kind = p_reader_kind;
    IF coalesce(v_read.staff_seq, 0) >= v_event.staff_seq THEN
        RETURN;
    END IF;
    INSERT INTO convor.reads (tenant_id, conversation_id, reader_id, reader_kind, staff_seq, visitor_seq, seen)
    VALUES (
        p_tenant, p_conversation, p_reader, p_reader_kind, v_event.staff_seq, v_event.visitor_head,
        CASE WHEN p_reader_kind = 0 THEN v_event.to_visitor ELSE v_event.by_visitor END
    )
    ON CONFLICT (tenant_id, conversation_id, reader_id, reader_kind)
    DO UPDATE SET staff_seq = excluded.staff_seq, visitor_seq = excluded.visitor_seq, seen = excluded.seen;
    PERFORM convor.commit_change(p_tenant, p_change);
    RETURN QUERY
    SELECT v_conversation.visitor_id, coalesce(v_read.staff_seq, 0), coalesce(v_read.visitor_seq, 0),
        v_event.staff_seq, v_event.visitor_head;
END
$$;
