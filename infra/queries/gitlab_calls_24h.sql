-- Every GitLab API call of the last 24 hours, newest first. Timestamps are text in one format and UTC, so they sort as text.
-- DISTINCT: a line can arrive twice.
SELECT DISTINCT "timestamp", service, action, target.instance, target.project_id, target.mr_iid, outcome, error,
       details.http_status, duration_ms, correlation_id, actor.type AS actor_type, id
FROM audit_entries
WHERE dt >= CAST(CAST(current_timestamp - interval '24' hour AS date) AS varchar)
  AND event_type = 'audit'
  AND action LIKE 'gitlab.api.%'
  AND "timestamp" >= substr(replace(CAST(current_timestamp - interval '24' hour AS varchar), ' ', 'T'), 1, 19)
ORDER BY "timestamp" DESC
