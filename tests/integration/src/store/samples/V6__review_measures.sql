-- Rows of schema version 6, so that later migrations are tested on a database with data in it. Never changed afterwards.
INSERT INTO security_review_ledger (id, instance, project_id, mr_iid, mr_id, project_path, title, web_url, author_id, author_username,
    reviewers, deciding_reviewer_id, deciding_reviewer_username, risk_tier, labels, decision, decided_at, labelled_at, approved_at,
    sla_target, sla_elapsed, merged_at, proof, notes, rules_hash, revision, recorded_at, updated_at, correlation_id)
VALUES ('0195a000-0000-7000-8000-0000000006e1', 'main', 77, 306, 77306, 'payments/gateway', 'Rotate',
    'https://gitlab.example.com/payments/gateway/-/merge_requests/306', 601, 'dpark', '[]', 501, 'sec-alice', 'high', '{security::high}',
    'merged', '2026-03-02T12:00:00Z', '2026-03-02T09:00:00Z', '2026-03-02T11:00:00Z', '8 hours', '2 hours', '2026-03-02T12:00:00Z', 'both',
    '{}', repeat('a', 64), 1, '2026-03-02T12:00:01Z', '2026-03-02T12:00:01Z', '0195a000-0000-7000-8000-0000000000c6');
