-- Finding messages by their words, in a table that is found by equality: the index works under row-level security, which no
-- index of the text search would, and erasing reaches it. It is filled behind the appends, which pay nothing for it.

-- The first events that are not searchable yet. The core cuts their texts into words. A conversation whose events are still
-- being imported may have none.
CREATE FUNCTION convor.search_pending(p_tenant uuid, p_limit bigint)
RETURNS TABLE (conversation_id uuid, staff_seq bigint, text text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_conversation uuid := '00000000-0000-0000-0000-000000000000';
    v_indexed bigint;
    v_left bigint := p_limit;
    v_found bigint;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    -- From one conversation to the next, so that it ends at the limit, and nothing is read that is not answered.
    WHILE v_left > 0 LOOP
        SELECT n.conversation_id INTO v_conversation
        FROM convor.unindexed n
        WHERE n.tenant_id = p_tenant AND n.conversation_id > v_conversation ORDER BY n.conversation_id LIMIT 1;
        EXIT WHEN NOT FOUND;
        SELECT c.indexed_staff INTO v_indexed
        FROM convor.conversations c WHERE c.tenant_id = p_tenant AND c.id = v_conversation;
        RETURN QUERY
        SELECT e.conversation_id, e.staff_seq, e.text
        FROM convor.events e
        WHERE e.tenant_id = p_tenant AND e.conversation_id = v_conversation AND e.staff_seq > v_indexed
        ORDER BY e.staff_seq LIMIT v_left;
        GET DIAGNOSTICS v_found = ROW_COUNT;
        v_left := v_left - v_found;
    END LOOP;
END
$$;

-- Stores the words of events, and up to where each conversation is searchable with them: of each the first and the last position
-- that was read, and how many events. What has gone since then is not stored.
--
-- Storing the words takes long, and whoever waited for it would hold up all that share a batch with it, other tenants' appends,
-- too. So it is done before a conversation is locked, and what was purged or erased meanwhile is taken out again after that. The
-- words have no foreign key, because it would keep an erasure waiting, and behind that appends.
CREATE FUNCTION convor.search_store(
    p_tenant uuid, p_conversations uuid[], p_firsts bigint[], p_lasts bigint[], p_counts bigint[],
    p_word_conversations uuid[], p_word_seqs bigint[], p_words text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_gone record;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    INSERT INTO convor.words (tenant_id, word, at, conversation_id, staff_seq)
    SELECT p_tenant, w.word, e.at, e.conversation_id, e.staff_seq
    FROM unnest(p_word_conversations, p_word_seqs, p_words) AS w (conversation, seq, word)
    JOIN convor.events e ON e.tenant_id = p_tenant AND e.conversation_id = w.conversation AND e.staff_seq = w.seq
    WHERE e.text IS NOT NULL
    ORDER BY w.word, e.at, e.conversation_id, e.staff_seq
    ON CONFLICT DO NOTHING;
    PERFORM c.id FROM convor.conversations c
    WHERE c.tenant_id = p_tenant AND c.id = ANY (p_conversations) ORDER BY c.id
    FOR NO KEY UPDATE;
    FOR v_gone IN
        SELECT u.id, u.first, coalesce(c.floor_staff, u.last) AS last
        FROM unnest(p_conversations, p_firsts, p_lasts) AS u (id, first, last)
        LEFT JOIN convor.conversations c ON c.tenant_id = p_tenant AND c.id = u.id
        WHERE coalesce(c.floor_staff, u.last) >= u.first
    LOOP
        DELETE FROM convor.words w
        WHERE w.tenant_id = p_tenant AND w.conversation_id = v_gone.id
            AND w.staff_seq >= v_gone.first AND w.staff_seq <= v_gone.last;
    END LOOP;
    -- If an import may have put more among them, they are read again: there are more than were read, or a purge made room for them.
    UPDATE convor.conversations c SET indexed_staff = u.last
    FROM unnest(p_conversations, p_firsts, p_lasts, p_counts) AS u (id, first, last, count)
    WHERE c.tenant_id = p_tenant AND c.id = u.id AND c.indexed_staff < u.last
        AND c.floor_staff < u.first
        AND u.count >= (
            SELECT count(*) FROM convor.events e
            WHERE e.tenant_id = p_tenant AND e.conversation_id = u.id
                AND e.staff_seq > least(c.indexed_staff, u.first - 1) AND e.staff_seq <= u.last
        );
    DELETE FROM convor.unindexed n USING convor.conversations c
    WHERE n.tenant_id = p_tenant AND n.conversation_id = ANY (p_conversations)
        AND c.tenant_id = p_tenant AND c.id = n.conversation_id AND c.indexed_staff >= c.head_staff;
END
$$;

-- The newest messages below a place that hold all of the words. The rarest word leads; beyond a thousand they count as equally
-- common.
CREATE FUNCTION convor.search_find(
    p_tenant uuid, p_words text[], p_at bigint, p_conversation uuid, p_seq bigint, p_limit bigint
) RETURNS SETOF convor.events LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_words bigint := cardinality(p_words);
    v_word text;
    v_leading text;
    v_count bigint;
    v_least bigint;
BEGIN
    PERFORM set_config('convor.tenant', p_tenant::text, true);
    FOREACH v_word IN ARRAY p_words LOOP
        SELECT count(*) INTO v_count
        FROM (
            SELECT w.word FROM convor.words w WHERE w.tenant_id = p_tenant AND w.word = v_word LIMIT 1000
        ) AS few;
        IF v_count = 0 THEN
            RETURN;
        END IF;
        IF v_least IS NULL OR v_count < v_least THEN
            v_least := v_count;
            v_leading := v_word;
        END IF;
    END LOOP;
    RETURN QUERY
    SELECT e.*
    FROM convor.words w
    JOIN convor.events e
        ON e.tenant_id = p_tenant AND e.conversation_id = w.conversation_id AND e.staff_seq = w.staff_seq
    WHERE w.tenant_id = p_tenant AND w.word = v_leading
        AND (w.at, w.conversation_id, w.staff_seq) < (p_at, p_conversation, p_seq)
        -- A count, because the planner would make a join of anything that says whether there is a word that is missing.
        AND (
            SELECT count(*) FROM unnest(p_words) AS q (word)
            JOIN convor.words o ON o.tenant_id = p_tenant AND o.word = q.word AND o.at = w.at
                AND o.conversation_id = w.conversation_id AND o.staff_seq = w.staff_seq
        ) >= v_words
    ORDER BY w.at DESC, w.conversation_id DESC, w.staff_seq DESC LIMIT p_limit;
END
$$;
