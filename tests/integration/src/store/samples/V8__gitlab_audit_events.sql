-- Rows of schema version 8, so that later migrations are tested on a database with data in it. Never changed afterwards.
INSERT INTO gitlab_audit_events (id, instance, event_key, event_id, event_type, author, entity, target, details, created_at, payload_sha256,
    received_at, correlation_id)
VALUES ('0195a000-0000-7000-8000-0000000008a1', 'main', repeat('a', 64), '7', 'member_destroyed', '{"id": 31, "name": "Ana Example", "class": "User"}',
    '{"type": "Group", "id": "4242", "name": "acme/security-team"}', '{"type": "User", "id": "51", "name": "Sam Example"}',
    '{"remove": "user_access"}', '2026-03-02T12:00:00Z', repeat('b', 64), '2026-03-02T12:00:01Z', '0195a000-0000-7000-8000-0000000000c8');
