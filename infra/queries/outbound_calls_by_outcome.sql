-- Calls to other systems in the last 7 days: number and kind of failures. Slowest and average in milliseconds.
SELECT split_part(action, '.', 1) AS called, action, count(DISTINCT id) AS calls,
       count(DISTINCT CASE WHEN outcome = 'failure' THEN id END) AS failures,
       round(100e0 * count(DISTINCT CASE WHEN outcome = 'failure' THEN id END) / count(DISTINCT id), 2) AS failure_percent,
       count(DISTINCT CASE WHEN error = 'auth_failure' THEN id END) AS auth_failures,
       count(DISTINCT CASE WHEN error = 'rate_limit' THEN id END) AS rate_limits,
       count(DISTINCT CASE WHEN error IN ('timeout', 'network_error') THEN id END) AS unreachable,
       count(DISTINCT CASE WHEN error = 'server_error' THEN id END) AS server_errors,
       round(avg(duration_ms), 1) AS average_ms, max(duration_ms) AS slowest_ms
FROM audit_entries
WHERE dt >= CAST(CAST(current_timestamp - interval '7' day AS date) AS varchar)
  AND event_type = 'audit'
  AND (action LIKE '%.api.%' OR action LIKE 'siem.%')
GROUP BY split_part(action, '.', 1), action
ORDER BY failures DESC, calls DESC, action
