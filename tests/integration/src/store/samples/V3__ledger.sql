-- Rows of schema version 3, so that later migrations are tested on a database with data in it. Never changed afterwards.
INSERT INTO rules_files (hash, content, first_used_at)
VALUES (repeat('a', 64), 'version: 1', '2026-03-02T12:00:00Z');

INSERT INTO security_review_decisions (id, instance, project_id, mr_iid, decision, reasons, reason_codes, notes, inputs, verdict, review,
    rules_hash, supersedes, decided_at, recorded_at, correlation_id, stage)
VALUES ('0195a000-0000-7000-8000-0000000003d1', 'main', 77, 301, 'approved', '[]', '{}', '{}', '{}', '{}', '{}', repeat('a', 64), NULL,
    '2026-03-02T11:00:00Z', '2026-03-02T11:00:01Z', '0195a000-0000-7000-8000-0000000000c3', 'review');

INSERT INTO security_review_ledger (id, instance, project_id, mr_iid, mr_id, project_path, title, web_url, author_id, author_username,
    reviewers, deciding_reviewer_id, deciding_reviewer_username, risk_tier, labels, decision, decided_at, labelled_at, approved_at,
    time_unknown_reason, sla_target, sla_elapsed, notes, rules_hash, decision_id, read_at, revision, recorded_at, updated_at,
    correlation_id)
VALUES ('0195a000-0000-7000-8000-0000000003e1', 'main', 77, 301, 77301, 'payments/gateway', 'Rotate', 'https://gitlab.example.com/payments/gateway/-/merge_requests/301', 601,
    'dpark', '[]', 501, 'sec-alice', 'high', '{security::high}', 'approved', '2026-03-02T11:00:00Z', '2026-03-02T09:00:00Z',
    '2026-03-02T11:00:00Z', NULL, '8 hours', '2 hours', '{}', repeat('a', 64), '0195a000-0000-7000-8000-0000000003d1',
    '2026-03-02T11:00:00Z', 1, '2026-03-02T11:00:01Z', '2026-03-02T11:00:01Z', '0195a000-0000-7000-8000-0000000000c3');

INSERT INTO pending_reviews (instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, correlation_id, created_at,
    updated_at)
VALUES ('main', 77, 302, 'pending', '{}', 'GitLab answers 503', 1, '2026-03-02T12:01:00Z', '0195a000-0000-7000-8000-0000000000c3',
    '2026-03-02T12:00:00Z', '2026-03-02T12:00:00Z');
