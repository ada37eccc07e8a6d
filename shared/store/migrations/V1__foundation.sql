-- The foundation: history of merge requests, decisions, exceptions, pending evaluations, the outbox, quarantine.
--
-- Conventions: every time and every id comes from the application; GitLab ids are bigint; users are <role>_id and
-- <role>_username; a merge request is named by (instance, project_id, mr_iid) for ever.

-- Append-only tables: the database itself refuses changes, whoever asks. Privileges refuse them a second time.
CREATE FUNCTION countersign_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Corrections are new rows. Nothing in this table is ever changed or removed.';
END;
$$;

CREATE FUNCTION countersign_refuse_removal() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of table % are never removed: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'An exception that turned out to be none is set to status ''withdrawn''.';
END;
$$;

-- Every authentic merge-request event, as it arrived. The second witness of every verdict.
CREATE TABLE merge_request_events (
    id                  uuid PRIMARY KEY,
    instance            text NOT NULL,
    project_id          bigint NOT NULL,
    project_path        text NOT NULL,
    mr_id               bigint NOT NULL,
    mr_iid              bigint NOT NULL,
    mr_title            text NOT NULL,
    mr_url              text NOT NULL,
    action              text NOT NULL,
    state               text,
    actor_id            bigint,
    actor_username      text,
    eligible            boolean,
    author_id           bigint,
    occurred_at         timestamptz NOT NULL,
    occurred_at_source  text NOT NULL CHECK (occurred_at_source IN ('actioned_at', 'updated_at', 'received_at')),
    occurred_at_raw     text,
    received_at         timestamptz NOT NULL,
    labels              text[] NOT NULL,
    labels_added        text[] NOT NULL,
    labels_removed      text[] NOT NULL,
    system              boolean NOT NULL,
    system_action       text,
    head_sha            text,
    oldrev              text,
    merge_commit_sha    text,
    merged_at           timestamptz,
    source_branch       text,
    target_branch       text,
    reviewers           jsonb NOT NULL,
    stale               boolean NOT NULL,
    auth_method         text NOT NULL CHECK (auth_method IN ('hmac_sha256', 'token')),
    hook                text NOT NULL,
    delivery_key        text NOT NULL,
    delivery_id         text,
    event_uuid          text,
    payload_sha256      text NOT NULL,
    correlation_id      uuid NOT NULL,
    audit_stream_id     uuid NOT NULL,
    audit_stream_seq    bigint NOT NULL,
    CONSTRAINT merge_request_events_delivery UNIQUE (instance, delivery_key),
    CONSTRAINT merge_request_events_actor CHECK ((actor_id IS NULL) = (actor_username IS NULL))
);
CREATE INDEX merge_request_events_history ON merge_request_events (instance, project_id, mr_iid, occurred_at);
CREATE INDEX merge_request_events_correlation ON merge_request_events (correlation_id);
COMMENT ON TABLE merge_request_events IS 'Append-only. Every authentic merge-request event as it arrived.';
COMMENT ON COLUMN merge_request_events.eligible IS
    'Whether the actor was an eligible approver when the event arrived; null: could not be read, or not asked.';

-- Every decision with what it rests on. Per merge request one chain: a root, and each later one supersedes one earlier.
CREATE TABLE security_review_decisions (
    id              uuid PRIMARY KEY,
    instance        text NOT NULL,
    project_id      bigint NOT NULL,
    mr_iid          bigint NOT NULL,
    decision        text CHECK (decision IN ('approved', 'approval_revoked', 'merged', 'merged_without_approval',
                                             'merged_unverified', 'closed', 'reopened')),
    outcome         text NOT NULL CHECK (outcome IN ('not_carried', 'declassified', 'approved', 'exception')),
    kind            text CHECK (kind IN ('label_removed_before_merge', 'approval_revoked', 'approved_other_commit',
                                         'self_approved', 'committer_approved', 'bot_approved', 'approver_not_eligible',
                                         'approved_after_merge', 'insufficient_approvals', 'no_approval', 'unverified')),
    proof           text CHECK (proof IN ('api', 'both')),
    reasons         jsonb NOT NULL CHECK (jsonb_typeof(reasons) = 'array'),
    reason_codes    text[] NOT NULL,
    notes           text[] NOT NULL,
    inputs          jsonb NOT NULL,
    verdict         jsonb NOT NULL,
    rules_hash      text NOT NULL,
    supersedes      uuid,
    decided_at      timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    correlation_id  uuid NOT NULL,
    CONSTRAINT security_review_decisions_kind CHECK ((outcome = 'exception') = (kind IS NOT NULL)),
    CONSTRAINT security_review_decisions_proof CHECK ((outcome = 'approved') = (proof IS NOT NULL)),
    CONSTRAINT security_review_decisions_supersedes_once UNIQUE (supersedes),
    -- The target of the key below, which keeps a chain within one merge request.
    CONSTRAINT security_review_decisions_identity UNIQUE (id, instance, project_id, mr_iid),
    CONSTRAINT security_review_decisions_chain FOREIGN KEY (supersedes, instance, project_id, mr_iid)
        REFERENCES security_review_decisions (id, instance, project_id, mr_iid),
    CONSTRAINT security_review_decisions_not_itself CHECK (supersedes <> id)
);
CREATE UNIQUE INDEX security_review_decisions_root
    ON security_review_decisions (instance, project_id, mr_iid) WHERE supersedes IS NULL;
CREATE INDEX security_review_decisions_merge_request ON security_review_decisions (instance, project_id, mr_iid);
CREATE INDEX security_review_decisions_decided ON security_review_decisions (decided_at);
CREATE INDEX security_review_decisions_correlation ON security_review_decisions (correlation_id);
COMMENT ON TABLE security_review_decisions IS
    'Append-only. Every decision with its whole input; the latest of a merge request is the one nothing supersedes.';
COMMENT ON COLUMN security_review_decisions.decision IS
    'The ledger''s word; null: no security label was carried, so there is nothing to review.';

-- One row per merge without a valid, proven approval. An MR merges once, so it is unique by merge request.
CREATE TABLE security_review_exceptions (
    id                  uuid PRIMARY KEY,
    instance            text NOT NULL,
    project_id          bigint NOT NULL,
    project_path        text NOT NULL,
    mr_id               bigint NOT NULL,
    mr_iid              bigint NOT NULL,
    mr_title            text NOT NULL,
    mr_url              text NOT NULL,
    author_id           bigint,
    author_username     text,
    merged_by_id        bigint,
    merged_by_username  text,
    labels              text[] NOT NULL,
    risk_tier           text NOT NULL,
    kind                text NOT NULL CHECK (kind IN ('label_removed_before_merge', 'approval_revoked',
                            'approved_other_commit', 'self_approved', 'committer_approved', 'bot_approved',
                            'approver_not_eligible', 'approved_after_merge', 'insufficient_approvals', 'no_approval',
                            'unverified')),
    reasons             jsonb NOT NULL CHECK (jsonb_typeof(reasons) = 'array'),
    reason_codes        text[] NOT NULL,
    approvals           jsonb NOT NULL CHECK (jsonb_typeof(approvals) = 'array'),
    merged_at           timestamptz NOT NULL,
    merge_commit_sha    text,
    head_sha            text,
    rules_hash          text NOT NULL,
    status              text NOT NULL CHECK (status IN ('open', 'acknowledged', 'closed', 'withdrawn')),
    recorded_at         timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    correlation_id      uuid NOT NULL,
    CONSTRAINT security_review_exceptions_merge_request UNIQUE (instance, project_id, mr_iid),
    CONSTRAINT security_review_exceptions_author CHECK ((author_id IS NULL) = (author_username IS NULL)),
    CONSTRAINT security_review_exceptions_merged_by CHECK ((merged_by_id IS NULL) = (merged_by_username IS NULL))
);
CREATE INDEX security_review_exceptions_recorded ON security_review_exceptions (recorded_at);
CREATE INDEX security_review_exceptions_status ON security_review_exceptions (status, recorded_at);
CREATE INDEX security_review_exceptions_reason_codes ON security_review_exceptions USING gin (reason_codes);
CREATE INDEX security_review_exceptions_correlation ON security_review_exceptions (correlation_id);
COMMENT ON TABLE security_review_exceptions IS
    'Merges of security-labelled merge requests without a valid, proven approval. Rows are never removed.';
COMMENT ON COLUMN security_review_exceptions.reason_codes IS
    'The kinds in reasons, in order of precedence: WHERE ''self_approved'' = ANY (reason_codes).';

CREATE FUNCTION countersign_keep_exception_identity() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF ROW(NEW.id, NEW.instance, NEW.project_id, NEW.mr_id, NEW.mr_iid, NEW.recorded_at, NEW.correlation_id)
        IS DISTINCT FROM
       ROW(OLD.id, OLD.instance, OLD.project_id, OLD.mr_id, OLD.mr_iid, OLD.recorded_at, OLD.correlation_id) THEN
        RAISE EXCEPTION 'the identity of an exception never changes: % refused', TG_OP
            USING ERRCODE = 'restrict_violation',
                  HINT = 'id, instance, project_id, mr_id, mr_iid, recorded_at and correlation_id stay as first written.';
    END IF;
    RETURN NEW;
END;
$$;

-- Verdicts still pending because GitLab could not be read yet.
CREATE TABLE evaluations (
    instance         text NOT NULL,
    project_id       bigint NOT NULL,
    mr_iid           bigint NOT NULL,
    state            text NOT NULL CHECK (state IN ('pending', 'done')),
    trigger          jsonb NOT NULL,
    reason           text NOT NULL,
    attempts         integer NOT NULL CHECK (attempts >= 0),
    next_attempt_at  timestamptz NOT NULL,
    deadline_at      timestamptz NOT NULL,
    correlation_id   uuid NOT NULL,
    traceparent      text,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (instance, project_id, mr_iid)
);
CREATE INDEX evaluations_due ON evaluations (next_attempt_at) WHERE state = 'pending';
COMMENT ON TABLE evaluations IS 'Verdicts waiting for GitLab to be readable; past deadline_at they become unverified.';

-- The outbox: what must be done outside, once.
CREATE TABLE effects (
    id                uuid PRIMARY KEY,
    key               text NOT NULL CONSTRAINT effects_key UNIQUE,
    kind              text NOT NULL,
    destination       text NOT NULL,
    exception_id      uuid REFERENCES security_review_exceptions (id),
    instance          text NOT NULL,
    project_id        bigint NOT NULL,
    mr_iid            bigint NOT NULL,
    state             text NOT NULL CHECK (state IN ('pending', 'leased', 'done', 'suppressed', 'ambiguous', 'dead',
                                                     'superseded')),
    attempts          integer NOT NULL CHECK (attempts >= 0),
    not_before        timestamptz,
    next_attempt_at   timestamptz NOT NULL,
    lease_until       timestamptz,
    external_id       text,
    last_error_class  text,
    last_error        text,
    correlation_id    uuid NOT NULL,
    traceparent       text,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT effects_lease CHECK ((state = 'leased') = (lease_until IS NOT NULL))
);
CREATE INDEX effects_due ON effects (next_attempt_at) WHERE state IN ('pending', 'leased', 'ambiguous');
CREATE INDEX effects_dead ON effects (updated_at) WHERE state = 'dead';
CREATE INDEX effects_exception ON effects (exception_id);
CREATE INDEX effects_merge_request ON effects (instance, project_id, mr_iid);
COMMENT ON TABLE effects IS 'The outbox: one row per thing to do outside, unique by key.';
COMMENT ON COLUMN effects.not_before IS 'The target asked to wait until then; null: at once.';
COMMENT ON COLUMN effects.next_attempt_at IS
    'When the relay looks after it again (the first enqueue lost, a retry due, a lease run out).';

-- Each attempt leaves two rows: begun, before the call; ended, after it. A begun one without an end is ambiguous.
CREATE TABLE effect_attempts (
    id           uuid PRIMARY KEY,
    effect_id    uuid NOT NULL REFERENCES effects (id),
    attempt      integer NOT NULL CHECK (attempt > 0),
    phase        text NOT NULL CHECK (phase IN ('begun', 'ended')),
    outcome      text CHECK (outcome IN ('done', 'retry', 'ambiguous', 'dead', 'suppressed', 'superseded', 'not_sent')),
    applied      boolean,
    external_id  text,
    error_class  text,
    error        text,
    at           timestamptz NOT NULL,
    CONSTRAINT effect_attempts_phase UNIQUE (effect_id, attempt, phase),
    CONSTRAINT effect_attempts_outcome CHECK ((phase = 'ended') = (outcome IS NOT NULL)),
    CONSTRAINT effect_attempts_applied CHECK ((phase = 'ended') = (applied IS NOT NULL))
);
COMMENT ON TABLE effect_attempts IS 'Append-only. Every attempt at an effect: begun before the call, ended after it.';
COMMENT ON COLUMN effect_attempts.applied IS
    'False: the report came after the lease had been taken over, so the effect was left as it was.';

-- Authentic deliveries that could not be processed: kept whole for a person to look at.
CREATE TABLE quarantined_deliveries (
    id                uuid PRIMARY KEY,
    instance          text NOT NULL,
    hook              text NOT NULL,
    auth_method       text NOT NULL CHECK (auth_method IN ('hmac_sha256', 'token')),
    stale             boolean NOT NULL,
    delivery_key      text NOT NULL,
    delivery_id       text,
    event_uuid        text,
    object_kind       text NOT NULL,
    reason            text NOT NULL,
    content           jsonb NOT NULL,
    payload_sha256    text NOT NULL,
    received_at       timestamptz NOT NULL,
    quarantined_at    timestamptz NOT NULL,
    correlation_id    uuid NOT NULL,
    audit_stream_id   uuid NOT NULL,
    audit_stream_seq  bigint NOT NULL,
    CONSTRAINT quarantined_deliveries_delivery UNIQUE (instance, delivery_key)
);
CREATE INDEX quarantined_deliveries_quarantined ON quarantined_deliveries (quarantined_at);
COMMENT ON TABLE quarantined_deliveries IS
    'Append-only. Authentic deliveries that could not be processed; content.body_base64 is the body as received.';

CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON merge_request_events
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON merge_request_events
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON security_review_decisions
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON security_review_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON effect_attempts
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON effect_attempts
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON quarantined_deliveries
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON quarantined_deliveries
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();

CREATE TRIGGER identity BEFORE UPDATE ON security_review_exceptions
    FOR EACH ROW EXECUTE FUNCTION countersign_keep_exception_identity();
CREATE TRIGGER no_removal_row BEFORE DELETE ON security_review_exceptions
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_removal();
CREATE TRIGGER no_removal_table BEFORE TRUNCATE ON security_review_exceptions
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_removal();
