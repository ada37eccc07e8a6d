-- All lines with one correlation id, in order, including announcements. Parameters, in quotes: the id and the first day to search.
SELECT DISTINCT "timestamp", event_type, service, coalesce(action, "call") AS action, target.resource_type, target.instance,
       target.project_id, target.mr_iid, target.id AS target_id, outcome, error, details.reason, details.http_status,
       duration_ms, trace_id, stream.seq AS seq, id
FROM audit_entries
WHERE correlation_id = ? AND dt >= ?
ORDER BY "timestamp", id, event_type DESC
