-- GitLab's own audit event streams: claims of GitLab, never proof.
CREATE TABLE gitlab_audit_events (
    id              uuid PRIMARY KEY,
    instance        text NOT NULL,
    event_key       text NOT NULL CHECK (length(event_key) = 64),
    event_id        text,
    event_type      text,
    author          jsonb NOT NULL,
    entity          jsonb NOT NULL,
    target          jsonb NOT NULL,
    details         jsonb NOT NULL,
    created_at      timestamptz,
    payload_sha256  text NOT NULL,
    received_at     timestamptz NOT NULL,
    correlation_id  uuid NOT NULL,
    CONSTRAINT gitlab_audit_events_event UNIQUE NULLS NOT DISTINCT (instance, event_key, event_id)
);
CREATE INDEX gitlab_audit_events_type ON gitlab_audit_events (instance, event_type, received_at);
CREATE INDEX gitlab_audit_events_received ON gitlab_audit_events (received_at);
COMMENT ON TABLE gitlab_audit_events IS
    'Append-only. Events that GitLab streamed, redacted and shortened. Two attempts to send one event can be two rows: count distinct event_key.';
COMMENT ON COLUMN gitlab_audit_events.event_key IS
    'SHA-256 of the event with sorted names, without an id that is a UUID or the Unix seconds of created_at.';
COMMENT ON COLUMN gitlab_audit_events.event_id IS 'id as sent; null: the event has none.';
COMMENT ON COLUMN gitlab_audit_events.created_at IS 'When it happened, as GitLab says; null: absent or unreadable.';
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON gitlab_audit_events
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON gitlab_audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();

-- Searches by service, from a comment to its commands, and from a commit to its push.
CREATE INDEX audit_events_service ON audit_events (service, id);
CREATE INDEX audit_events_note ON audit_events ((details ->> 'note_id')) WHERE action = 'copilot.command.received';
CREATE INDEX audit_events_pushed ON audit_events ((details ->> 'after')) WHERE action = 'git.push.received';
