-- Rows of schema version 1, so that later migrations are tested on a database with data in it. Never changed afterwards.
INSERT INTO merge_request_events (id, instance, project_id, project_path, mr_id, mr_iid, mr_title, mr_url, action, state,
    actor_id, actor_username, eligible, author_id, occurred_at, occurred_at_source, occurred_at_raw, received_at, labels,
    labels_added, labels_removed, system, system_action, head_sha, oldrev, merge_commit_sha, merged_at, source_branch,
    target_branch, reviewers, stale, auth_method, hook, delivery_key, delivery_id, event_uuid, payload_sha256, correlation_id,
    audit_stream_id, audit_stream_seq)
VALUES ('0195a000-0000-7000-8000-000000000001', 'gitlab.example', 77, 'harbour/crane', 9001, 1, 'Rotate the session keys',
    'https://gitlab.example/harbour/crane/-/merge_requests/1', 'merge', 'merged', 12, 'lena', false, 12,
    '2026-03-02T12:01:00Z', 'actioned_at', '2026-03-02 12:01:00 UTC', '2026-03-02T12:01:02Z', '{security::high,backend}',
    '{}', '{}', false, NULL, 'a1b2', NULL, 'c3d4', '2026-03-02T12:01:00Z', 'rotate-keys', 'main',
    '[{"user": {"id": 13, "username": "jonas"}, "state": "unreviewed"}]', false, 'hmac_sha256', 'harbour', 'd-1', 'd-1',
    'c0ffee', 'ab', '0195a000-0000-7000-8000-0000000000c1', '0195a000-0000-7000-8000-0000000000a1', 7);

INSERT INTO security_review_decisions (id, instance, project_id, mr_iid, decision, outcome, kind, proof, reasons,
    reason_codes, notes, inputs, verdict, rules_hash, supersedes, decided_at, recorded_at, correlation_id)
VALUES ('0195a000-0000-7000-8000-000000000002', 'gitlab.example', 77, 1, 'merged_without_approval', 'exception',
    'no_approval', NULL, '[{"kind": "no_approval", "detail": "nobody approved"}]', '{no_approval}', '{}', '{}', '{}', 'cd',
    NULL, '2026-03-02T12:01:03Z', '2026-03-02T12:01:03Z', '0195a000-0000-7000-8000-0000000000c1'),
    ('0195a000-0000-7000-8000-000000000003', 'gitlab.example', 77, 1, 'merged', 'approved', NULL, 'api', '[]', '{}',
    '{eligibility_as_of_now}', '{}', '{}', 'cd', '0195a000-0000-7000-8000-000000000002', '2026-03-02T13:01:03Z',
    '2026-03-02T13:01:03Z', '0195a000-0000-7000-8000-0000000000c2');

INSERT INTO security_review_exceptions (id, instance, project_id, project_path, mr_id, mr_iid, mr_title, mr_url, author_id,
    author_username, merged_by_id, merged_by_username, labels, risk_tier, kind, reasons, reason_codes, approvals, merged_at,
    merge_commit_sha, head_sha, rules_hash, status, recorded_at, updated_at, correlation_id)
VALUES ('0195a000-0000-7000-8000-000000000004', 'gitlab.example', 77, 'harbour/crane', 9001, 1, 'Rotate the session keys',
    'https://gitlab.example/harbour/crane/-/merge_requests/1', 12, 'lena', NULL, NULL, '{security::high}', 'high',
    'no_approval', '[{"kind": "no_approval", "detail": "nobody approved"}]', '{no_approval}', '[]', '2026-03-02T12:01:00Z',
    'c3d4', 'a1b2', 'cd', 'withdrawn', '2026-03-02T12:01:03Z', '2026-03-02T13:01:03Z',
    '0195a000-0000-7000-8000-0000000000c1');

INSERT INTO evaluations (instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, deadline_at,
    correlation_id, traceparent, created_at, updated_at)
VALUES ('gitlab.example', 77, 2, 'pending', '{}', 'GitLab answers 503', 1, '2026-03-02T12:03:00Z', '2026-03-02T12:16:00Z',
    '0195a000-0000-7000-8000-0000000000c3', NULL, '2026-03-02T12:01:03Z', '2026-03-02T12:01:03Z');

INSERT INTO effects (id, key, kind, destination, exception_id, instance, project_id, mr_iid, state, attempts, not_before,
    next_attempt_at, lease_until, external_id, last_error_class, last_error, correlation_id, traceparent, created_at,
    updated_at)
VALUES ('0195a000-0000-7000-8000-000000000005', 'gitlab.example/77!1/slack_exception_alert/slack:C0SECLEAD',
    'slack_exception_alert', 'slack:C0SECLEAD', '0195a000-0000-7000-8000-000000000004', 'gitlab.example', 77, 1, 'done', 1,
    NULL, '2026-03-02T12:02:03Z', NULL, '1772452867.000100', NULL, NULL, '0195a000-0000-7000-8000-0000000000c1', NULL,
    '2026-03-02T12:01:03Z', '2026-03-02T12:01:05Z');

INSERT INTO effect_attempts (id, effect_id, attempt, phase, outcome, applied, external_id, error_class, error, at)
VALUES ('0195a000-0000-7000-8000-000000000006', '0195a000-0000-7000-8000-000000000005', 1, 'begun', NULL, NULL, NULL, NULL,
    NULL, '2026-03-02T12:01:04Z'),
    ('0195a000-0000-7000-8000-000000000007', '0195a000-0000-7000-8000-000000000005', 1, 'ended', 'done', true,
    '1772452867.000100', NULL, NULL, '2026-03-02T12:01:05Z');

INSERT INTO quarantined_deliveries (id, instance, hook, auth_method, stale, delivery_key, delivery_id, event_uuid,
    object_kind, reason, content, payload_sha256, received_at, quarantined_at, correlation_id, audit_stream_id,
    audit_stream_seq)
VALUES ('0195a000-0000-7000-8000-000000000008', 'gitlab.example', 'harbour', 'token', false, 'd-9', NULL, NULL,
    'merge_request', 'object_attributes.iid: expected a number', '{"body_base64": "e30="}', 'ef', '2026-03-02T12:05:00Z',
    '2026-03-02T12:05:01Z', '0195a000-0000-7000-8000-0000000000c4', '0195a000-0000-7000-8000-0000000000a1', 8);
