-- Requests of the last 30 days that the gateway itself rejected (too many, too large, unknown route), so that no function received them.
SELECT dt, status, source_ip, method, route, error, count(DISTINCT request_id) AS requests,
       max(TRY_CAST(request_bytes AS bigint)) AS largest_request_bytes
FROM api_requests
WHERE dt >= CAST(CAST(current_timestamp - interval '30' day AS date) AS varchar)
  AND (status IN ('413', '429') OR error <> '-')
GROUP BY dt, status, source_ip, method, route, error
ORDER BY dt DESC, requests DESC
