-- Rows of schema version 5, so that later migrations are tested on a database with data in it. Never changed afterwards.
INSERT INTO evaluations (instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, deadline_at, correlation_id,
    created_at, updated_at, source, first_seen_at, give_up_at, last_read_at, shown, earlier)
VALUES ('main', 77, 305, 'unconfirmed', '{"trusted": true, "merged_at": "2026-03-02T12:00:00Z", "labels": [], "mr_id": 1, "project_path": "pay/api",
    "title": "t", "url": "u"}', 'GitLab answers 404', 2, NULL, '2026-03-02T12:15:00Z', '0195a000-0000-7000-8000-0000000000c5',
    '2026-03-02T12:00:00Z', '2026-03-02T12:00:00Z', 'merge_event', '2026-03-02T12:00:00Z', '2026-03-09T12:00:00Z', '2026-03-02T12:30:00Z', false,
    '{"labels": ["security::high"]}');

INSERT INTO reread_budgets (instance, minute, requests) VALUES ('main', '2026-03-02T12:00:00Z', 16);

INSERT INTO gitlab_users (instance, user_id, bot, read_at) VALUES ('main', 501, false, '2026-03-02T12:00:00Z');

INSERT INTO operator_requests (id, command, arguments, requested_at, started_at, finished_at, result, exit_code)
VALUES ('0195a000-0000-7000-8000-0000000005a1', 'reevaluate', '{"unconfirmed": true}', '2026-03-02T12:00:00Z', '2026-03-02T12:00:30Z',
    '2026-03-02T12:00:31Z', '{"read": 1}', 0);
