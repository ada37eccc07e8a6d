-- Rules in use in the last 400 days, by the hash of the rules file: a new hash is a changed policy. Newest first.
SELECT details.rules_hash AS rules_hash, min("timestamp") AS first_used, max("timestamp") AS last_used,
       min_by(correlation_id, "timestamp") AS first_correlation_id, count(DISTINCT id) AS ledger_rows,
       count(DISTINCT CASE WHEN details.decision = 'merged_without_approval' THEN id END) AS without_approval
FROM audit_entries
WHERE dt >= CAST(CAST(current_timestamp - interval '400' day AS date) AS varchar)
  AND event_type = 'audit'
  AND action = 'ledger.record.upsert'
GROUP BY details.rules_hash
ORDER BY first_used DESC
