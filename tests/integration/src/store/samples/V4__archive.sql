-- Rows of schema version 4, so that later migrations are tested on a database with data in it. Never changed afterwards.
INSERT INTO review_evidence (id, instance, project_id, mr_iid, content, sha256, read_at, recorded_at, correlation_id)
SELECT '0195a000-0000-7000-8000-0000000004f1', 'main', 77, 301, content, encode(sha256(convert_to(content, 'UTF8')), 'hex'),
    '2026-03-02T12:00:00Z', '2026-03-02T12:00:01Z', '0195a000-0000-7000-8000-0000000000c3'
FROM (SELECT '{"version":1}' AS content) AS evidence;

INSERT INTO effects (id, key, kind, destination, instance, project_id, mr_iid, state, attempts, next_attempt_at, correlation_id, created_at,
    updated_at, decision_id, superseded_because)
VALUES ('0195a000-0000-7000-8000-0000000004a1', 'main/77/301/linear_issue/linear', 'linear_issue', 'linear', 'main', 77, 301, 'superseded', 1,
    '2026-03-02T12:00:00Z', '0195a000-0000-7000-8000-0000000000c3', '2026-03-02T12:00:00Z', '2026-03-02T12:00:00Z',
    '0195a000-0000-7000-8000-0000000003d1', 'a later decision');

INSERT INTO effect_requeues (id, effect_id, attempts, state_before, note, at)
VALUES ('0195a000-0000-7000-8000-0000000004b1', '0195a000-0000-7000-8000-0000000004a1', 1, 'dead', 'the token was rotated', '2026-03-02T12:00:00Z');

UPDATE security_review_ledger SET revision = revision + 1, evidence_id = '0195a000-0000-7000-8000-0000000004f1',
    evidence_sha256 = encode(sha256(convert_to('{"version":1}', 'UTF8')), 'hex')
WHERE instance = 'main' AND project_id = 77 AND mr_iid = 301;
