-- Removes at most `p_limit` events that were stored before `p_before`, and returns how many; 0 means that there are none left.
-- NULL means that it removed nothing from the logs that it found, because others were quicker or they do not begin with an old
-- event after all, and asks to be called again: for more logs in the same transaction it would lock out of order. Each log that
-- is looked at loses events or is no longer known as one that begins with an old one, so that this comes to an end.
-- A log loses its beginning and nothing else: the first event that is young enough keeps all those above it.
-- `convor.log_starts` knows the logs that begin with an old one, so that neither the others nor what is kept cost anything.
-- A log that is still being imported may end before its head.

CREATE FUNCTION convor.events_purge(p_tenant uuid, p_before bigint, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_logs uuid[];
    v_log record;
    v_left bigint := p_limit;
    v_young bigint;
    v_removed bigint;
    v_last bigint;
    v_event convor.events;
    v_next_at bigint;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    SELECT array_agg(x.conversation_id) INTO v_logs
    FROM (
        SELECT l.conversation_id FROM convor.log_starts l
        WHERE l.tenant_id = p_tenant AND l.at < p_before
        ORDER BY l.at, l.conversation_id LIMIT p_limit
    ) AS x;
    IF v_logs IS NULL THEN
        RETURN 0;
    END IF;
    FOR v_log IN
        SELECT c.id, c.floor_staff, c.head_staff
        FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.id = ANY (v_logs) ORDER BY c.id
        FOR NO KEY UPDATE
    LOOP
        EXIT WHEN v_left = 0;
        SELECT x.staff_seq INTO v_young
        FROM (
            SELECT e.staff_seq, e.at FROM convor.events e
            WHERE e.tenant_id = p_tenant AND e.conversation_id = v_log.id AND e.staff_seq > v_log.floor_staff
            ORDER BY e.staff_seq LIMIT v_left
        ) AS x
        WHERE x.at >= p_before ORDER BY x.staff_seq LIMIT 1;
        SELECT count(*), coalesce(max(x.staff_seq), v_log.floor_staff) INTO v_removed, v_last
        FROM (
            SELECT e.staff_seq FROM convor.events e
            WHERE e.tenant_id = p_tenant AND e.conversation_id = v_log.id AND e.staff_seq > v_log.floor_staff
                AND e.staff_seq < coalesce(v_young, 9223372036854775807)
            ORDER BY e.staff_seq LIMIT v_left
        ) AS x;
        IF v_removed > 0 THEN
            v_left := v_left - v_removed;
            SELECT e.* INTO v_event
            FROM convor.events e
            WHERE e.tenant_id = p_tenant AND e.conversation_id = v_log.id AND e.staff_seq = v_last;
            DELETE FROM convor.words w
            WHERE w.tenant_id = p_tenant AND w.conversation_id = v_log.id AND w.staff_seq <= v_last;
            DELETE FROM convor.events e
            WHERE e.tenant_id = p_tenant AND e.conversation_id = v_log.id AND e.staff_seq <= v_last;
            UPDATE convor.conversations c
            SET floor_staff = v_last, floor_visitor = v_event.visitor_head,
                floor_by_visitor = v_event.by_visitor, floor_to_visitor = v_event.to_visitor,
                indexed_staff = greatest(c.indexed_staff, v_last)
            WHERE c.tenant_id = p_tenant AND c.id = v_log.id;
        END IF;
        IF v_last >= v_log.head_staff THEN
            DELETE FROM convor.unindexed n WHERE n.tenant_id = p_tenant AND n.conversation_id = v_log.id;
        END IF;
        SELECT e.at INTO v_next_at
        FROM convor.events e
        WHERE e.tenant_id = p_tenant AND e.conversation_id = v_log.id AND e.staff_seq > v_last
        ORDER BY e.staff_seq LIMIT 1;
        IF FOUND THEN
            UPDATE convor.log_starts l SET at = v_next_at
            WHERE l.tenant_id = p_tenant AND l.conversation_id = v_log.id;
        ELSIF v_last >= v_log.head_staff THEN
            DELETE FROM convor.log_starts l WHERE l.tenant_id = p_tenant AND l.conversation_id = v_log.id;
        ELSE
            -- Events are still to come, or have been appended above those: it is looked at again by the next purge.
            UPDATE convor.log_starts l SET at = p_before
            WHERE l.tenant_id = p_tenant AND l.conversation_id = v_log.id;
        END IF;
    END LOOP;
    RETURN nullif(p_limit - v_left, 0);
END
$$;
