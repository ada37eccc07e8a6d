-- What every delivery reads. As functions, because the server keeps the plans of their statements for the session, and making these
-- plans takes several times as long as running them. A plan that was made while a table was empty must not read the whole table later:
-- indexes are used from the beginning, and each condition names a whole merge request, so that every index that fits is a good one.

-- Whether a delivery is recorded, and whether anything but events is stored about its merge request.
CREATE FUNCTION countersign_known(of_instance text, of_project bigint, of_iid bigint, of_delivery text)
RETURNS TABLE (is_recorded boolean, is_known boolean)
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT
        EXISTS (SELECT FROM merge_request_events WHERE instance = of_instance AND project_id = of_project AND mr_iid = of_iid
                AND delivery_key = of_delivery),
        EXISTS (SELECT FROM security_review_decisions WHERE instance = of_instance AND project_id = of_project AND mr_iid = of_iid)
            OR EXISTS (SELECT FROM evaluations WHERE instance = of_instance AND project_id = of_project AND mr_iid = of_iid)
            OR EXISTS (SELECT FROM security_review_ledger WHERE instance = of_instance AND project_id = of_project AND mr_iid = of_iid)
            OR EXISTS (SELECT FROM pending_reviews WHERE instance = of_instance AND project_id = of_project AND mr_iid = of_iid)
            OR EXISTS (SELECT FROM security_review_exceptions
                       WHERE instance = of_instance AND project_id = of_project AND mr_iid = of_iid);
END
$$;
COMMENT ON FUNCTION countersign_known IS
    'Whether a delivery is recorded, and whether anything but events is stored about its merge request.';

-- The newest events of a merge request, oldest first. A label list that is the same as in the event before, in the same state, adds
-- nothing and is left out; lists beyond the bound are left out too, and their events marked. Content of stale deliveries is not trusted,
-- so it does not take part.
CREATE FUNCTION countersign_history(of_instance text, of_project bigint, of_iid bigint, most_events bigint, most_label_bytes bigint)
RETURNS TABLE (
    action text, actor_id bigint, actor_username text, eligible boolean, eligible_read_at timestamptz, occurred_at timestamptz,
    occurred_at_source text, received_at timestamptz, state text, system boolean, system_action text, pushed boolean, head_sha text,
    stale boolean, labels text[], labels_added text[], labels_removed text[], labels_truncated boolean)
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH recent AS MATERIALIZED (
        SELECT * FROM merge_request_events
        WHERE instance = of_instance AND project_id = of_project AND mr_iid = of_iid
        ORDER BY received_at DESC, id DESC LIMIT most_events),
    compared AS (
        SELECT recent.*, NOT stale AND (labels_added <> '{}' OR labels_removed <> '{}'
            OR (labels, state) IS DISTINCT FROM (lag(labels) OVER seen, lag(state) OVER seen)) AS has_lists
        FROM recent WINDOW seen AS (PARTITION BY stale ORDER BY received_at, id)),
    measured AS (
        SELECT compared.*, sum(CASE WHEN has_lists THEN octet_length(array_to_string(labels || labels_added || labels_removed, ''))
            ELSE 0 END) OVER (ORDER BY received_at, id) AS label_bytes
        FROM compared)
    SELECT action, actor_id, actor_username, eligible, eligible_read_at, occurred_at, occurred_at_source, received_at, state, system,
        system_action, oldrev IS NOT NULL, head_sha, stale,
        CASE WHEN has_lists AND label_bytes <= most_label_bytes THEN labels ELSE '{}' END,
        CASE WHEN has_lists AND label_bytes <= most_label_bytes THEN labels_added ELSE '{}' END,
        CASE WHEN has_lists AND label_bytes <= most_label_bytes THEN labels_removed ELSE '{}' END,
        labels_truncated OR (has_lists AND label_bytes > most_label_bytes)
    FROM measured
    ORDER BY occurred_at, id;
END
$$;
COMMENT ON FUNCTION countersign_history IS 'The newest events of a merge request for an evaluation, bounded in number and bytes of label lists.';
