-- Confirmed and unconfirmed decisions: what was answered when a decision was made, what is read again, and what operators request.

-- When the membership in `eligible` was read, and whether a label list was cut for size: a cut list shows no absence.
ALTER TABLE merge_request_events
    ADD COLUMN eligible_read_at timestamptz,
    ADD COLUMN labels_truncated boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN merge_request_events.eligible_read_at IS
    'When the membership behind eligible was read; null: not read, or recorded by an earlier version.';
COMMENT ON COLUMN merge_request_events.labels_truncated IS 'A label list of the event was cut for size, so its absences prove nothing.';

ALTER TABLE security_review_decisions
    ADD COLUMN confirmed boolean,
    ADD COLUMN evaluator smallint NOT NULL DEFAULT 1,
    ADD COLUMN merged_at timestamptz,
    ADD COLUMN merge_commit_sha text;
CREATE INDEX security_review_decisions_merged ON security_review_decisions (instance, project_id, merged_at) WHERE stage = 'merge';
-- Few rows: the condition is the one of the view security_review_unconfirmed, word for word.
CREATE INDEX security_review_decisions_unconfirmed ON security_review_decisions (instance, project_id, mr_iid)
    WHERE stage = 'merge' AND NOT coalesce(confirmed, inputs -> 'api' ?| ARRAY['answer', 'not_asked']);
COMMENT ON COLUMN security_review_decisions.confirmed IS
    'Every needed read of GitLab was answered; a confirmed decision is frozen. Null: before a merge, or made before this was recorded.';
COMMENT ON COLUMN security_review_decisions.evaluator IS 'The version of the rules code that made the decision.';
COMMENT ON COLUMN security_review_decisions.merged_at IS
    'The merge instant as GitLab gave it; null: not known, before a merge, or made before this was recorded (then it is in inputs).';

-- A verdict waits (pending), or a decision or a merge that GitLab does not show is read again (unconfirmed).
ALTER TABLE evaluations
    DROP CONSTRAINT evaluations_state_check,
    ADD CONSTRAINT evaluations_state_check CHECK (state IN ('pending', 'unconfirmed', 'done')),
    ALTER COLUMN next_attempt_at DROP NOT NULL,
    ADD CONSTRAINT evaluations_pending_has_schedule CHECK (state <> 'pending' OR next_attempt_at IS NOT NULL),
    ADD COLUMN source text NOT NULL DEFAULT 'merge_event'
        CHECK (source IN ('merge_event', 'other_event', 'review', 'reconciliation', 'backfill')),
    ADD COLUMN first_seen_at timestamptz,
    ADD COLUMN give_up_at timestamptz,
    ADD COLUMN last_read_at timestamptz,
    ADD COLUMN shown boolean NOT NULL DEFAULT false,
    ADD COLUMN reread_event boolean NOT NULL DEFAULT false,
    ADD COLUMN before_watch boolean NOT NULL DEFAULT false,
    ADD COLUMN earlier jsonb;
CREATE INDEX evaluations_unconfirmed_due ON evaluations (next_attempt_at) WHERE state = 'unconfirmed';
CREATE INDEX evaluations_unconfirmed ON evaluations (instance, first_seen_at) WHERE state = 'unconfirmed';
COMMENT ON TABLE evaluations IS
    'Merges to read at GitLab: pending verdicts, which deadline_at ends as unverified, and unconfirmed decisions.';
COMMENT ON COLUMN evaluations.next_attempt_at IS 'When GitLab is read next; null: unconfirmed without a schedule, an event or reevaluate reads it.';
COMMENT ON COLUMN evaluations.source IS 'What showed the merge first.';
COMMENT ON COLUMN evaluations.first_seen_at IS 'Receipt of the first event, or the first reading, that showed the merge.';
COMMENT ON COLUMN evaluations.give_up_at IS 'After that an unconfirmed decision is read again only by an event or reevaluate.';
COMMENT ON COLUMN evaluations.last_read_at IS 'When GitLab was last read for it; at most one reading a minute.';
COMMENT ON COLUMN evaluations.shown IS 'GitLab has shown the merge request at least once.';
COMMENT ON COLUMN evaluations.reread_event IS 'An event on a confirmed decision asks for a further reading.';
COMMENT ON COLUMN evaluations.before_watch IS 'Merged long before it was first seen: nothing is decided unless reconciliation or a backfill asks.';
COMMENT ON COLUMN evaluations.earlier IS 'What partial answers have shown so far: labels up to the merge, approvals with their times.';

ALTER TABLE pending_reviews ADD COLUMN earlier jsonb;
COMMENT ON COLUMN pending_reviews.earlier IS 'What partial answers have shown so far, like evaluations.earlier.';

-- Re-reads use a bounded number of requests a minute and instance.
CREATE TABLE reread_budgets (
    instance  text PRIMARY KEY,
    minute    timestamptz NOT NULL,
    requests  integer NOT NULL CHECK (requests >= 0),
    never_shown integer NOT NULL DEFAULT 0 CHECK (never_shown >= 0)
);
COMMENT ON TABLE reread_budgets IS 'Requests that re-reads have used in the current minute, by instance.';

-- Whether an account is a bot never changes: read once.
CREATE TABLE gitlab_users (
    instance  text NOT NULL,
    user_id   bigint NOT NULL,
    bot       boolean NOT NULL,
    read_at   timestamptz NOT NULL,
    PRIMARY KEY (instance, user_id)
);
COMMENT ON TABLE gitlab_users IS 'Append-only. Accounts whose bot flag GitLab has given; it is never read twice.';
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON gitlab_users
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON gitlab_users
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();

-- What an operator's command asks maintenance to do; the login is the operator's own.
CREATE TABLE operator_requests (
    id            uuid PRIMARY KEY,
    command       text NOT NULL,
    arguments     jsonb NOT NULL,
    login         text NOT NULL DEFAULT session_user,
    requested_at  timestamptz NOT NULL,
    started_at    timestamptz,
    finished_at   timestamptz,
    result        jsonb,
    exit_code     integer,
    CONSTRAINT operator_requests_order CHECK (finished_at IS NULL OR started_at IS NOT NULL),
    CONSTRAINT operator_requests_result CHECK ((finished_at IS NULL) = (exit_code IS NULL))
);
CREATE INDEX operator_requests_open ON operator_requests (requested_at) WHERE finished_at IS NULL;
COMMENT ON TABLE operator_requests IS 'Writing commands of operators, which maintenance executes; rows are never removed.';
CREATE FUNCTION countersign_keep_operator_request() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF ROW(NEW.id, NEW.command, NEW.arguments, NEW.login, NEW.requested_at)
        IS DISTINCT FROM ROW(OLD.id, OLD.command, OLD.arguments, OLD.login, OLD.requested_at)
        OR OLD.finished_at IS NOT NULL THEN
        RAISE EXCEPTION 'an operator request keeps what was requested, and a finished one never changes: % refused', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER identity BEFORE UPDATE ON operator_requests
    FOR EACH ROW EXECUTE FUNCTION countersign_keep_operator_request();
CREATE TRIGGER no_removal_row BEFORE DELETE ON operator_requests
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_removal();
CREATE TRIGGER no_removal_table BEFORE TRUNCATE ON operator_requests
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_removal();

-- The previous release records that a merge was seen at GitLab, in the ledger's row, and decides only merges whose own delivery came.
-- This makes a pending evaluation of such a row: of those that exist, and while that release is still at work, of those that it writes.
-- The row was made before the merge, or by the reading that first showed it.
CREATE FUNCTION countersign_evaluate_undecided_merge(ledger security_review_ledger, at timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO evaluations AS stored (instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, deadline_at,
        correlation_id, created_at, updated_at, source, first_seen_at)
    SELECT ledger.instance, ledger.project_id, ledger.mr_iid, 'pending',
        jsonb_build_object('trusted', false, 'merger', null,
            'merged_at', to_char(ledger.merged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'labels', '[]'::jsonb,
            'labels_unknown', true, 'mr_id', ledger.mr_id, 'project_path', ledger.project_path, 'title', ledger.title, 'url', ledger.web_url,
            'author_id', ledger.author_id, 'head_sha', ledger.head_sha, 'merge_commit_sha', ledger.merge_commit_sha),
        'the merge was seen at GitLab and not decided', 0, at + interval '1 minute', at + interval '15 minutes', ledger.correlation_id, at, at,
        'review', greatest(ledger.recorded_at, ledger.merged_at)
    WHERE ledger.merged_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM security_review_decisions AS decision
        WHERE (decision.instance, decision.project_id, decision.mr_iid) = (ledger.instance, ledger.project_id, ledger.mr_iid)
            AND decision.stage = 'merge')
    ON CONFLICT (instance, project_id, mr_iid) DO UPDATE SET
        state = 'pending', trigger = excluded.trigger, reason = excluded.reason, attempts = 0, next_attempt_at = excluded.next_attempt_at,
        deadline_at = excluded.deadline_at, source = excluded.source, first_seen_at = excluded.first_seen_at, updated_at = excluded.updated_at
        WHERE stored.state = 'done' AND NOT stored.before_watch;
$$;
SELECT countersign_evaluate_undecided_merge(ledger, now()) FROM security_review_ledger AS ledger WHERE merged_at IS NOT NULL;

CREATE FUNCTION countersign_evaluate_undecided_row() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM countersign_evaluate_undecided_merge(NEW, NEW.updated_at);
    RETURN NULL;
END;
$$;
CREATE TRIGGER undecided_merge AFTER INSERT OR UPDATE ON security_review_ledger FOR EACH ROW
    WHEN (NEW.merged_at IS NOT NULL AND (NEW.decision IS NULL OR NEW.decision NOT IN ('merged', 'merged_without_approval', 'merged_unverified')))
    EXECUTE FUNCTION countersign_evaluate_undecided_row();

-- The previous release's relay stops at an effect of a kind that it does not know, and relays no other either. Its claim is recognized by
-- `updated_at`, which it sets and this version's does not; the rows that it must not see are left out of it.
CREATE FUNCTION countersign_leave_out() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RETURN NULL;
END;
$$;
CREATE TRIGGER claim_of_previous_release BEFORE UPDATE ON effects FOR EACH ROW
    WHEN (NEW.kind NOT IN ('slack_exception_alert', 'eventbridge_ledger_row', 'linear_issue', 'jira_issue', 'confluence_row', 'slack_pod_confirmation')
        AND NEW.updated_at <> OLD.updated_at AND NEW.next_attempt_at > NEW.updated_at
        AND (NEW.state, NEW.attempts) = (OLD.state, OLD.attempts))
    EXECUTE FUNCTION countersign_leave_out();

-- Few rows: those of merges that needed no decision in the ledger, and of those that are still to be decided.
CREATE INDEX security_review_ledger_undecided ON security_review_ledger (instance, project_id, mr_iid)
    WHERE merged_at IS NOT NULL AND (decision IS NULL OR decision NOT IN ('merged', 'merged_without_approval', 'merged_unverified'));

-- Merges without a decision: each has an open evaluation, or this view shows it as forgotten.
CREATE VIEW security_review_unjudged AS
SELECT coalesce(ledger.instance, evaluation.instance) AS instance, coalesce(ledger.project_id, evaluation.project_id) AS project_id,
    coalesce(ledger.mr_iid, evaluation.mr_iid) AS mr_iid, coalesce(ledger.project_path, evaluation.trigger ->> 'project_path') AS project_path,
    ledger.merged_at, evaluation.state, evaluation.reason, evaluation.first_seen_at, evaluation.next_attempt_at
FROM (SELECT * FROM security_review_ledger
      WHERE merged_at IS NOT NULL AND (decision IS NULL OR decision NOT IN ('merged', 'merged_without_approval', 'merged_unverified'))) AS ledger
FULL JOIN (SELECT * FROM evaluations WHERE state IN ('pending', 'unconfirmed')) AS evaluation USING (instance, project_id, mr_iid)
WHERE NOT EXISTS (
    SELECT FROM security_review_decisions AS decision
    WHERE decision.instance = coalesce(ledger.instance, evaluation.instance)
        AND decision.project_id = coalesce(ledger.project_id, evaluation.project_id)
        AND decision.mr_iid = coalesce(ledger.mr_iid, evaluation.mr_iid) AND decision.stage = 'merge')
    AND NOT EXISTS (
        SELECT FROM evaluations AS passed
        WHERE (passed.instance, passed.project_id, passed.mr_iid) = (ledger.instance, ledger.project_id, ledger.mr_iid) AND passed.before_watch);
COMMENT ON VIEW security_review_unjudged IS
    'Merges that a source showed and that have no decision yet, except those from before the watch; state is null where nothing will read them again.';

-- Decisions that GitLab has not confirmed, and confirmed ones that an event has read again until GitLab answers. Those of an earlier
-- version count as confirmed if they hold GitLab's answer.
CREATE VIEW security_review_unconfirmed AS
SELECT decision.instance, decision.project_id, decision.mr_iid, decision.id AS decision_id, decision.outcome, decision.kind,
    decision.decided_at, evaluation.reason, evaluation.first_seen_at, evaluation.last_read_at, evaluation.next_attempt_at,
    evaluation.give_up_at
FROM security_review_decisions AS decision LEFT JOIN evaluations AS evaluation
    ON evaluation.state = 'unconfirmed' AND (evaluation.instance, evaluation.project_id, evaluation.mr_iid)
        = (decision.instance, decision.project_id, decision.mr_iid)
WHERE decision.stage = 'merge'
    AND NOT coalesce(decision.confirmed, decision.inputs -> 'api' ?| ARRAY['answer', 'not_asked'])
    AND NOT EXISTS (SELECT FROM security_review_decisions AS later WHERE later.supersedes = decision.id)
UNION ALL
SELECT decision.instance, decision.project_id, decision.mr_iid, decision.id, decision.outcome, decision.kind, decision.decided_at,
    evaluation.reason, evaluation.first_seen_at, evaluation.last_read_at, evaluation.next_attempt_at, evaluation.give_up_at
FROM evaluations AS evaluation JOIN security_review_decisions AS decision USING (instance, project_id, mr_iid)
WHERE evaluation.state = 'unconfirmed' AND decision.stage = 'merge'
    AND coalesce(decision.confirmed, decision.inputs -> 'api' ?| ARRAY['answer', 'not_asked'])
    AND NOT EXISTS (SELECT FROM security_review_decisions AS later WHERE later.supersedes = decision.id);
COMMENT ON VIEW security_review_unconfirmed IS
    'Current decisions on merges for which GitLab has not answered a needed read, or the reading that a later event asked for.';
