-- Entries {first} to {last} of {total}, evenly over the 395 days before {until}: deliveries of ten entries each.
INSERT INTO audit_events
SELECT id, at, action, actor_type, actor, target, target_key, outcome, error, actor, service, stream_id, seq, duration, details, trace_id,
    format('{"timestamp":"%s","event_type":"audit","action":"%s","actor":{"type":"%s","id":"%s"},"target":%s,"outcome":"%s","error":%s,'
        '"correlation_id":"%s","service":"%s","id":"%s","stream":{"id":"%s","seq":%s},"duration_ms":%s,"details":%s,"trace_id":%s}',
        to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), action, actor_type, actor, target, outcome, to_json(error),
        actor, service, id, stream_id, seq, duration, details, to_json(trace_id)),
    '/aws/lambda/countersign-' || service || ' 2026/01/01/[7]' || substr(hash, 1, 8), at + interval '4 seconds'
FROM (
    SELECT *, CASE WHEN error IS NULL THEN 'success' ELSE 'failure' END AS outcome,
        CASE resource
            WHEN 'merge_request' THEN jsonb_build_object('resource_type', resource, 'instance', 'main', 'project_id', project, 'mr_iid', iid)
            ELSE jsonb_build_object('resource_type', resource, 'id', name)
        END AS target,
        CASE resource WHEN 'merge_request' THEN 'merge_request:main/' || project || '!' || iid ELSE resource || ':' || name END AS target_key
    FROM (
        SELECT at, hash, action,
            CASE WHEN delivery % 2 = 0 THEN md5('trace ' || delivery) END AS trace_id,
            (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0')
                || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid AS id,
            md5((n / 20000)::text)::uuid AS stream_id, n % 20000 + 1 AS seq, md5('delivery ' || delivery)::uuid AS actor,
            CASE WHEN delivery % 10000 = 0 THEN 'admin_action' WHEN delivery % 10 = 0 THEN 'poll_cycle' ELSE 'webhook_event' END
                AS actor_type,
            CASE family WHEN 'webhook' THEN 'webhook' WHEN 'slack' THEN 'notifier' WHEN 'audit' THEN 'recorder' WHEN 'copilot' THEN 'agent'
                ELSE 'processor' END AS service,
            CASE WHEN n % 1000003 = 7 THEN 'conflict' WHEN random % 10000 < 40 THEN 'rate_limit' WHEN random % 10000 < 70 THEN 'timeout'
                WHEN random % 10000 < 90 THEN 'server_error' WHEN random % 10000 < 100 THEN 'auth_failure' END AS error,
            (random % 400000) / 1000.0 AS duration,
            jsonb_build_object('status', 200, 'method', 'GET', 'attempt', 1, 'request_id', substr(hash, 1, 20)) AS details,
            CASE family WHEN 'secretsmanager' THEN 'secret' WHEN 'sqs' THEN 'queue' WHEN 'slack' THEN 'slack_channel'
                WHEN 'audit' THEN 'stream' WHEN 'copilot' THEN 'task' ELSE 'merge_request' END AS resource,
            CASE family WHEN 'secretsmanager' THEN 'countersign-' || n % 3 WHEN 'sqs' THEN 'deliveries.fifo' WHEN 'slack' THEN 'C0SECLEAD'
                ELSE hash END AS name,
            -- A third of everything is one project; one works only on the first three days of a month; a thousand share the rest.
            CASE WHEN extract(day FROM at) <= 3 AND delivery % 3 = 1 THEN 4444 WHEN delivery % 3 = 0 THEN 1
                ELSE 7000 + abs(hashint8(delivery)) % 1000 END AS project,
            1 + abs(hashint8extended(delivery, 9)) % 400 AS iid
        FROM (
            SELECT *, split_part(action, '.', 1) AS family FROM (
                SELECT n, n / 10 AS delivery, abs(hashint8extended(n, 1)) % 100000007 AS random, md5('entry ' || n) AS hash,
                    date_trunc('milliseconds', timestamptz '{until}' - interval '395 days' + n * (interval '395 days' / {total})) AS at,
                    -- Jira calls were half of everything in the first quarter, and were given up then.
                    CASE WHEN n % 1000003 = 5 THEN 'audit.gap_detected' WHEN n % 50021 = 6 THEN 'copilot.task.started'
                        WHEN n % 1009 = 8 THEN 'slack.api.post_message' WHEN n % 5003 = 8 THEN 'slack.api.get_history'
                        WHEN n < {total} / 4 AND n % 2 = 0 THEN 'jira.api.' || (ARRAY['get_issue', 'search_issues'])[n / 2 % 2 + 1]
                        ELSE (ARRAY['webhook.auth.verify', 'sqs.api.send_message', 'secretsmanager.api.get_secret_value',
                            'gitlab.api.get_mr_details', 'gitlab.api.get_mr_approvals', 'gitlab.api.get_mr_approval_state',
                            'gitlab.api.get_mr_label_events', 'gitlab.api.get_mr_versions', 'gitlab.api.get_mr_reviewers',
                            'gitlab.api.get_group_members'])[n % 10 + 1]
                    END AS action
                FROM generate_series({first}::bigint, {last}::bigint) AS n) AS chosen) AS named) AS made) AS entries
