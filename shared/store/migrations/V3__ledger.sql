-- The review ledger: one row per merge request, always what its latest decision says; the decisions before a merge; the rules files
-- that decisions were made by; the views that reports are made of.

-- Every rules file that a decision was made by, so that the decision can be computed again.
CREATE TABLE rules_files (
    hash           text PRIMARY KEY CHECK (length(hash) = 64),
    content        text NOT NULL,
    first_used_at  timestamptz NOT NULL
);
COMMENT ON TABLE rules_files IS 'Append-only. Every rules file that a decision was made by, to the byte.';
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON rules_files
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON rules_files
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();

-- Decisions are made before a merge as well: approved, approval taken back, closed, opened again. They stand in the same chain.
ALTER TABLE security_review_decisions
    ADD COLUMN stage text NOT NULL DEFAULT 'merge' CHECK (stage IN ('review', 'merge')),
    ADD COLUMN review jsonb,
    ALTER COLUMN outcome DROP NOT NULL,
    ADD CONSTRAINT security_review_decisions_stage CHECK ((stage = 'merge') = (outcome IS NOT NULL)),
    ADD CONSTRAINT security_review_decisions_review CHECK (stage = 'merge' OR review IS NOT NULL);
COMMENT ON COLUMN security_review_decisions.stage IS
    'review: where the review stood before a merge; merge: the verdict on the merge.';
COMMENT ON COLUMN security_review_decisions.review IS
    'The ledger''s side of it: decision, times, reviewer; null: made before there was a ledger, or nothing was to be reviewed.';
COMMENT ON COLUMN security_review_decisions.supersedes IS
    'The decision that stood before: of the review, or the verdict that a later finding corrected.';

-- Where the review of each merge request stands.
CREATE TABLE security_review_ledger (
    id                           uuid NOT NULL CONSTRAINT security_review_ledger_id UNIQUE,
    instance                     text NOT NULL,
    project_id                   bigint NOT NULL,
    mr_iid                       bigint NOT NULL,
    mr_id                        bigint NOT NULL,
    project_path                 text NOT NULL,
    title                        text NOT NULL,
    web_url                      text NOT NULL,
    author_id                    bigint,
    author_username              text,
    reviewers                    jsonb NOT NULL CHECK (jsonb_typeof(reviewers) = 'array'),
    deciding_reviewer_id         bigint,
    deciding_reviewer_username   text,
    risk_tier                    text NOT NULL,
    labels                       text[] NOT NULL,
    decision                     text CHECK (decision IN ('approved', 'approval_revoked', 'merged', 'merged_without_approval',
                                                          'merged_unverified', 'closed', 'reopened')),
    decided_at                   timestamptz,
    labelled_at                  timestamptz,
    approved_at                  timestamptz,
    time_to_approval             interval GENERATED ALWAYS AS
                                     (CASE WHEN approved_at >= labelled_at THEN approved_at - labelled_at END) STORED,
    time_to_decision             interval GENERATED ALWAYS AS
                                     (CASE WHEN decided_at >= labelled_at THEN decided_at - labelled_at END) STORED,
    time_unknown_reason          text,
    sla_target                   interval,
    sla_elapsed                  interval,
    sla_met                      boolean GENERATED ALWAYS AS (sla_elapsed <= sla_target) STORED,
    merged_by_id                 bigint,
    merged_by_username           text,
    merge_method                 text,
    merged_at                    timestamptz,
    merge_commit_sha             text,
    head_sha                     text,
    proof                        text CHECK (proof IN ('api', 'both')),
    notes                        text[] NOT NULL,
    rules_hash                   text NOT NULL,
    evidence_id                  uuid,
    decision_id                  uuid REFERENCES security_review_decisions (id),
    read_at                      timestamptz,
    revision                     bigint NOT NULL CHECK (revision > 0),
    recorded_at                  timestamptz NOT NULL,
    updated_at                   timestamptz NOT NULL,
    correlation_id               uuid NOT NULL,
    PRIMARY KEY (instance, project_id, mr_iid),
    CONSTRAINT security_review_ledger_author CHECK ((author_id IS NULL) = (author_username IS NULL)),
    CONSTRAINT security_review_ledger_deciding_reviewer
        CHECK ((deciding_reviewer_id IS NULL) = (deciding_reviewer_username IS NULL)),
    CONSTRAINT security_review_ledger_merged_by CHECK ((merged_by_id IS NULL) = (merged_by_username IS NULL)),
    -- A time that is missing has its reason.
    CONSTRAINT security_review_ledger_times CHECK (time_unknown_reason IS NOT NULL
        OR coalesce(approved_at >= labelled_at AND decided_at >= labelled_at, false))
);
COMMENT ON TABLE security_review_ledger IS
    'One row per merge request that carries or carried a security label: where its review stands. Its history is security_review_decisions.';
COMMENT ON COLUMN security_review_ledger.decision IS 'Null: labelled, and nothing is decided yet.';
COMMENT ON COLUMN security_review_ledger.labelled_at IS
    'When the first security label was put on, by GitLab''s label events; taking it off does not stop the clock.';
COMMENT ON COLUMN security_review_ledger.time_unknown_reason IS
    'Why time_to_decision is null, or if that is known, why time_to_approval is.';
COMMENT ON COLUMN security_review_ledger.sla_elapsed IS
    'From the label to the approval, or to the decision without one; in business hours if the rules count those.';
COMMENT ON COLUMN security_review_ledger.read_at IS 'When GitLab was read for it: an older reading never replaces a newer one.';
COMMENT ON COLUMN security_review_ledger.revision IS 'Counts the changes of the row.';

CREATE INDEX security_review_ledger_decided ON security_review_ledger (decided_at);
CREATE INDEX security_review_ledger_project ON security_review_ledger (project_path, decided_at);
-- With what the views count, so that a report over all reviews does not read the table.
CREATE INDEX security_review_ledger_reviewer ON security_review_ledger (deciding_reviewer_username, decided_at)
    INCLUDE (risk_tier, decision, proof, merged_at, time_to_approval, time_to_decision, sla_target, sla_met);
CREATE INDEX security_review_ledger_decision ON security_review_ledger (decision, decided_at);
CREATE INDEX security_review_ledger_tier ON security_review_ledger (risk_tier, decided_at)
    INCLUDE (project_path, decision, proof, merged_at, time_to_approval, time_to_decision, sla_met);
CREATE INDEX security_review_ledger_correlation ON security_review_ledger (correlation_id);
CREATE INDEX security_review_ledger_open ON security_review_ledger (labelled_at)
    WHERE merged_at IS NULL AND (decision IS NULL OR decision IN ('approval_revoked', 'reopened')) AND 'declassified' <> ALL (notes);

CREATE FUNCTION countersign_keep_ledger_identity() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    -- Generated columns are computed after the trigger.
    unsaid CONSTANT text[] := ARRAY['read_at', 'time_to_approval', 'time_to_decision', 'sla_met'];
BEGIN
    IF ROW(NEW.id, NEW.instance, NEW.project_id, NEW.mr_iid, NEW.recorded_at)
        IS DISTINCT FROM ROW(OLD.id, OLD.instance, OLD.project_id, OLD.mr_iid, OLD.recorded_at)
        -- That GitLab was read again and says the same is no change.
        OR NEW.revision <> OLD.revision + 1 AND to_jsonb(NEW) - unsaid IS DISTINCT FROM to_jsonb(OLD) - unsaid THEN
        RAISE EXCEPTION 'a row of the ledger keeps its identity, and each change is its next revision: % refused', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER identity BEFORE UPDATE ON security_review_ledger
    FOR EACH ROW EXECUTE FUNCTION countersign_keep_ledger_identity();
CREATE TRIGGER no_removal_row BEFORE DELETE ON security_review_ledger
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_removal();
CREATE TRIGGER no_removal_table BEFORE TRUNCATE ON security_review_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_removal();

-- An effect may tell of a revision of the ledger's row.
ALTER TABLE effects ADD COLUMN ledger_revision bigint;
COMMENT ON COLUMN effects.ledger_revision IS 'The revision of the ledger''s row that it tells of; null: of something else.';

-- A review waits for GitLab like a verdict does, but in a table of its own: it never takes the place of a merge that waits.
CREATE TABLE pending_reviews (
    instance         text NOT NULL,
    project_id       bigint NOT NULL,
    mr_iid           bigint NOT NULL,
    state            text NOT NULL CHECK (state IN ('pending', 'done')),
    trigger          jsonb NOT NULL,
    reason           text NOT NULL,
    attempts         integer NOT NULL CHECK (attempts >= 0),
    next_attempt_at  timestamptz NOT NULL,
    correlation_id   uuid NOT NULL,
    traceparent      text,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (instance, project_id, mr_iid)
);
CREATE INDEX pending_reviews_due ON pending_reviews (next_attempt_at) WHERE state = 'pending';
COMMENT ON TABLE pending_reviews IS 'Reviews before the merge waiting for GitLab to be readable; they wait until it is, or until the merge is judged.';

-- Reviews by week (UTC, of the decision), tier, project and team, which is the first group of the project's path.
CREATE VIEW security_review_volume AS
SELECT date_trunc('week', decided_at AT TIME ZONE 'UTC')::date AS week, risk_tier, split_part(project_path, '/', 1) AS team, project_path,
    count(*) AS reviews,
    count(*) FILTER (WHERE decision IN ('merged', 'merged_without_approval', 'merged_unverified')) AS merged,
    count(*) FILTER (WHERE decision = 'closed') AS closed
FROM security_review_ledger
WHERE decided_at IS NOT NULL
GROUP BY week, risk_tier, project_path;

-- How many merges had a valid approval; those whose label the team had taken off needed none, and are in neither number.
CREATE VIEW security_review_approval_rate AS
SELECT date_trunc('week', merged_at AT TIME ZONE 'UTC')::date AS week, risk_tier, split_part(project_path, '/', 1) AS team, project_path,
    count(*) AS merged,
    count(*) FILTER (WHERE proof IS NOT NULL) AS approved,
    count(*) FILTER (WHERE decision = 'merged_without_approval') AS without_approval,
    count(*) FILTER (WHERE decision = 'merged_unverified') AS unverified,
    round(100.0 * count(*) FILTER (WHERE proof IS NOT NULL) / count(*), 1) AS approval_rate_percent
FROM security_review_ledger
WHERE decision IN ('merged_without_approval', 'merged_unverified') OR decision = 'merged' AND proof IS NOT NULL
GROUP BY week, risk_tier, project_path;

-- How long reviews take, by tier and month (UTC).
CREATE VIEW security_review_times AS
WITH timed AS (
    SELECT date_trunc('month', decided_at AT TIME ZONE 'UTC')::date AS month, risk_tier, count(*) AS reviews,
        percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY date_part('epoch', time_to_approval)) AS approval,
        percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY date_part('epoch', time_to_decision)) AS decision
    FROM security_review_ledger
    WHERE decided_at IS NOT NULL
    GROUP BY 1, 2)
SELECT month, risk_tier, reviews,
    make_interval(secs => approval[1]) AS approval_p50, make_interval(secs => approval[2]) AS approval_p90,
    make_interval(secs => approval[3]) AS approval_p99, make_interval(secs => decision[1]) AS decision_p50,
    make_interval(secs => decision[2]) AS decision_p90, make_interval(secs => decision[3]) AS decision_p99
FROM timed;

-- Targets met and missed, by tier and by whoever decided; those without a reviewer were decided by nobody of the team.
CREATE VIEW security_review_sla AS
SELECT risk_tier, deciding_reviewer_username AS reviewer, sla_target AS target,
    count(*) FILTER (WHERE sla_met) AS met, count(*) FILTER (WHERE NOT sla_met) AS missed,
    count(*) FILTER (WHERE sla_met IS NULL) AS unknown,
    round(100.0 * count(*) FILTER (WHERE sla_met) / nullif(count(sla_met), 0), 1) AS adherence_percent
FROM security_review_ledger
WHERE sla_target IS NOT NULL AND decided_at IS NOT NULL
GROUP BY 1, 2, 3;

-- What waits for the security team, the oldest first.
CREATE VIEW security_review_open AS
SELECT now() - labelled_at AS age, sla_target AS target, instance, project_path, project_id, mr_iid, title, web_url, risk_tier, labels,
    author_username AS author, reviewers, decision, labelled_at, time_unknown_reason
FROM security_review_ledger
WHERE merged_at IS NULL AND (decision IS NULL OR decision IN ('approval_revoked', 'reopened')) AND 'declassified' <> ALL (notes)
ORDER BY labelled_at;

-- Exceptions by kind, merger and project; withdrawn ones were none.
CREATE VIEW security_review_exception_counts AS
SELECT date_trunc('month', merged_at AT TIME ZONE 'UTC')::date AS month, kind, merged_by_username AS merged_by, project_path, risk_tier,
    count(*) AS exceptions, count(*) FILTER (WHERE status = 'open') AS open
FROM security_review_exceptions
WHERE status <> 'withdrawn'
GROUP BY 1, 2, 3, 4, 5;
