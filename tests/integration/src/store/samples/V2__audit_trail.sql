-- Rows of schema version 2, so that later migrations are tested on a database with data in it. Never changed afterwards.
SELECT countersign_make_audit_partitions('2026-03-02T12:00:00Z', 1);

INSERT INTO audit_events (id, "timestamp", action, actor_type, actor_id, target, target_key, outcome, error, correlation_id, service,
    stream_id, stream_seq, duration_ms, details, trace_id, entry, source, recorded_at)
VALUES ('019cae6b-6600-7000-8000-000000000001', '2026-03-02T12:00:00Z', 'gitlab.api.get_mr_details', 'webhook_event',
    '0195a000-0000-7000-8000-0000000000c1', '{"resource_type": "merge_request", "instance": "main", "project_id": 77, "mr_iid": 1}',
    'merge_request:main/77!1', 'success', NULL, '0195a000-0000-7000-8000-0000000000c1', 'processor',
    '0195a000-0000-7000-8000-0000000000a2', 1, 12.5, '{"status": 200}', '4bf92f3577b34da6a3ce929d0e0e4736', '{}', 'processor:1',
    '2026-03-02T12:00:01Z'),
    ('019cae6b-6600-7000-8000-000000000002', '2026-03-02T12:00:00Z', 'slack.api.post_message', 'webhook_event',
    '0195a000-0000-7000-8000-0000000000c1', '{"resource_type": "slack_channel", "id": "C0SECLEAD"}', 'slack_channel:C0SECLEAD',
    'failure', 'rate_limit', '0195a000-0000-7000-8000-0000000000c1', 'notifier', NULL, NULL, NULL, '{}', NULL, '{}', 'notifier:1',
    '2026-03-02T12:00:01Z');

-- The first has its position, the second waits.
INSERT INTO audit_positions (position, event_id) VALUES (1, '019cae6b-6600-7000-8000-000000000001');
UPDATE audit_sequence SET last_position = 1;
DELETE FROM audit_pending WHERE event_id = '019cae6b-6600-7000-8000-000000000001';

INSERT INTO audit_streams (stream_id, service, released_seq, updated_at)
VALUES ('0195a000-0000-7000-8000-0000000000a2', 'processor', 4, '2026-03-02T12:15:01Z');

INSERT INTO audit_claims (stream_id, stream_seq, claimed_at)
VALUES ('0195a000-0000-7000-8000-0000000000a3', 9, '2026-03-02T12:00:01Z');

INSERT INTO audit_gaps (stream_id, first_seq, last_seq, service, reason, missing_numbers, detected_at, closed_at)
VALUES ('0195a000-0000-7000-8000-0000000000a2', 2, 3, 'processor', 'missing', '{[2,4)}', '2026-03-02T12:15:01Z', NULL),
    ('0195a000-0000-7000-8000-0000000000a2', 4, 4, 'processor', 'lost_tail', '{}', '2026-03-02T12:15:01Z', '2026-03-02T12:16:01Z');

INSERT INTO audit_intents (id, call, begun_at, target, actor_type, actor_id, correlation_id, service, stream_id, trace_id, recorded_at,
    reported_at)
VALUES ('019cae6b-6600-7000-8000-000000000003', 'slack.api.post_message', '2026-03-02T12:00:00Z',
    '{"resource_type": "slack_channel", "id": "C0SECLEAD"}', 'webhook_event', '0195a000-0000-7000-8000-0000000000c1',
    '0195a000-0000-7000-8000-0000000000c1', 'notifier', '0195a000-0000-7000-8000-0000000000a4', NULL, '2026-03-02T12:00:01Z',
    '2026-03-02T12:15:01Z');

INSERT INTO audit_destinations (name, delivered, lease, lease_until, failures, next_attempt_at, failing_since, last_error_class,
    last_error, updated_at)
VALUES ('http', 1, NULL, NULL, 2, '2026-03-02T12:20:00Z', '2026-03-02T12:10:00Z', 'server_error', '503', '2026-03-02T12:15:01Z'),
    ('file', 0, '0195a000-0000-7000-8000-00000000001e', '2026-03-02T12:20:00Z', 0, '2026-03-02T12:00:00Z', NULL, NULL, NULL,
    '2026-03-02T12:15:01Z');

INSERT INTO audit_undelivered (destination, position, event_id, error_class, error, refused_at)
VALUES ('http', 1, '019cae6b-6600-7000-8000-000000000001', 'invalid_response', '422', '2026-03-02T12:15:01Z');

INSERT INTO quarantined_audit_lines (id, source, line, reason, quarantined_at)
VALUES (repeat('ab', 32), 'webhook:1', '{"event_type":"audit"', 'it has no complete JSON (column 21)', '2026-03-02T12:00:01Z');
