-- Webhook deliveries of the last 30 days that failed authentication, by source address and reason.
SELECT details.source_ip AS source_ip, details.reason AS reason, count(DISTINCT id) AS failures,
       count(DISTINCT details.hook) AS hooks, min("timestamp") AS first_seen, max("timestamp") AS last_seen
FROM audit_entries
WHERE dt >= CAST(CAST(current_timestamp - interval '30' day AS date) AS varchar)
  AND event_type = 'audit'
  AND action = 'webhook.auth.verify'
  AND outcome = 'failure'
GROUP BY details.source_ip, details.reason
ORDER BY failures DESC, last_seen DESC
