-- One command, from the comment to the push: its entries, and the pushes of the commits that they name in details.after.
-- Parameters, in quotes: the command's correlation id, the first day to search, that day again, and the id again.
WITH work AS (
  SELECT DISTINCT target.project_id AS project_id, details.after AS commit_sha FROM audit_entries
  WHERE correlation_id = ? AND dt >= ? AND event_type = 'audit' AND details.after IS NOT NULL
)
SELECT DISTINCT "timestamp", service, action, target.instance AS instance, target.project_id AS project_id, target.mr_iid AS mr_iid,
       outcome, error, details.command AS command, details.initiator AS initiator, details.ref AS ref, details.after AS commit_sha,
       details.pusher AS pusher, details.delivery_id AS delivery_id, correlation_id, id
FROM audit_entries
WHERE dt >= ? AND event_type = 'audit'
  AND (correlation_id = ?
       OR (action = 'git.push.received' AND EXISTS (
             SELECT 1 FROM work WHERE work.project_id = target.project_id AND work.commit_sha = details.after)))
ORDER BY "timestamp", id
