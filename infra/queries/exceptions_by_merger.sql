-- Merges of the last 90 days without a valid, proven approval, by user who merged and kind. Withdrawn ones are left out.
WITH exceptions AS (
  SELECT target.instance AS instance, target.project_id AS project_id, target.mr_iid AS mr_iid,
         max_by(details.kind, "timestamp") AS kind, max_by(details.status, "timestamp") AS status,
         max_by(details.merged_by, "timestamp") AS merged_by, max_by(details.project_path, "timestamp") AS project_path,
         min("timestamp") AS recorded_at
  FROM audit_entries
  WHERE dt >= CAST(CAST(current_timestamp - interval '90' day AS date) AS varchar)
    AND event_type = 'audit'
    AND action IN ('exception.record.insert', 'exception.record.update')
  GROUP BY target.instance, target.project_id, target.mr_iid
)
SELECT coalesce(merged_by, 'unknown') AS merged_by, kind, count(*) AS exceptions, count(DISTINCT project_path) AS projects,
       min(recorded_at) AS first_recorded, max(recorded_at) AS last_recorded
FROM exceptions
WHERE status <> 'withdrawn'
GROUP BY coalesce(merged_by, 'unknown'), kind
ORDER BY 3 DESC, 1, 2
