-- The archive: evidence of each merge, and effects that close the loop in other systems.

-- What GitLab said of a merge when it was judged. The digest is checked by the database itself, so that a row cannot be one thing and say another.
CREATE TABLE review_evidence (
    id              uuid PRIMARY KEY,
    instance        text NOT NULL,
    project_id      bigint NOT NULL,
    mr_iid          bigint NOT NULL,
    content         text NOT NULL,
    sha256          text NOT NULL,
    read_at         timestamptz,
    recorded_at     timestamptz NOT NULL,
    correlation_id  uuid NOT NULL,
    -- The target of the keys below, which keep evidence, decision and ledger within one merge request, and their digests equal.
    CONSTRAINT review_evidence_identity UNIQUE (id, instance, project_id, mr_iid, sha256),
    CONSTRAINT review_evidence_content UNIQUE (instance, project_id, mr_iid, sha256),
    CONSTRAINT review_evidence_sha256 CHECK (sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex'))
);
CREATE INDEX review_evidence_correlation ON review_evidence (correlation_id);
COMMENT ON TABLE review_evidence IS
    'Append-only. The review record of a merge as GitLab gave it: what a decision rests on. content is JSON; sha256 is that of its bytes (UTF-8).';
COMMENT ON COLUMN review_evidence.read_at IS 'When GitLab was read; null: it could not be read, and content says why.';
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON review_evidence
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON review_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();

ALTER TABLE security_review_decisions
    ADD COLUMN evidence_id uuid,
    ADD COLUMN evidence_sha256 text,
    ADD CONSTRAINT security_review_decisions_evidence_whole CHECK ((evidence_id IS NULL) = (evidence_sha256 IS NULL)),
    ADD CONSTRAINT security_review_decisions_evidence FOREIGN KEY (evidence_id, instance, project_id, mr_iid, evidence_sha256)
        REFERENCES review_evidence (id, instance, project_id, mr_iid, sha256);
-- From now on; what was decided before stays as it is.
ALTER TABLE security_review_decisions
    ADD CONSTRAINT security_review_decisions_evidence_kept CHECK (stage <> 'merge' OR review IS NULL OR evidence_id IS NOT NULL) NOT VALID;
COMMENT ON COLUMN security_review_decisions.evidence_id IS
    'The evidence it rests on; null: before a merge, nothing was to be reviewed, or decided before there was evidence.';

ALTER TABLE security_review_ledger
    ADD COLUMN evidence_sha256 text,
    ADD CONSTRAINT security_review_ledger_evidence_whole CHECK ((evidence_id IS NULL) = (evidence_sha256 IS NULL)),
    ADD CONSTRAINT security_review_ledger_evidence FOREIGN KEY (evidence_id, instance, project_id, mr_iid, evidence_sha256)
        REFERENCES review_evidence (id, instance, project_id, mr_iid, sha256);
COMMENT ON COLUMN security_review_ledger.evidence_id IS 'The evidence that its decision rests on; null before the merge.';

-- Effects tell of a decision, and a superseded one says why.
ALTER TABLE effects
    ADD COLUMN decision_id uuid REFERENCES security_review_decisions (id),
    ADD COLUMN superseded_because text,
    ADD CONSTRAINT effects_superseded CHECK (superseded_because IS NULL OR state = 'superseded');
COMMENT ON COLUMN effects.decision_id IS 'The decision on the merge that led to it; null: of something else.';
COMMENT ON COLUMN effects.superseded_because IS 'Why it is no longer wanted; null also for those superseded before this was kept.';
CREATE INDEX effects_latest ON effects (kind, destination, created_at) WHERE state = 'done';
CREATE INDEX effects_external ON effects (external_id) WHERE state = 'done' AND external_id IS NOT NULL;
-- What needs a look is few among many.
CREATE INDEX effects_unfinished ON effects (id) WHERE state IN ('pending', 'leased', 'ambiguous', 'dead', 'suppressed');
CREATE INDEX effects_kind ON effects (kind, id);

-- Effects that a person queued again.
CREATE TABLE effect_requeues (
    id            uuid PRIMARY KEY,
    effect_id     uuid NOT NULL REFERENCES effects (id),
    attempts      integer NOT NULL CHECK (attempts >= 0),
    state_before  text NOT NULL,
    note          text,
    login         text NOT NULL DEFAULT session_user,
    at            timestamptz NOT NULL
);
CREATE INDEX effect_requeues_effect ON effect_requeues (effect_id);
COMMENT ON TABLE effect_requeues IS 'Append-only. Each time a person queued an effect again, by which login, and why.';
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON effect_requeues
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON effect_requeues
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();

-- What was done outside for each merge request in the ledger.
CREATE VIEW security_review_effects AS
SELECT effects.instance, effects.project_id, effects.mr_iid, ledger.project_path, ledger.title, effects.id AS effect_id, effects.kind,
    effects.destination, effects.state, effects.attempts, effects.external_id,
    coalesce(effects.superseded_because, effects.last_error) AS reason, effects.last_error_class, effects.created_at,
    CASE WHEN effects.state IN ('done', 'suppressed', 'dead', 'superseded') THEN effects.updated_at END AS ended_at,
    CASE WHEN effects.state IN ('pending', 'leased', 'ambiguous') THEN effects.next_attempt_at END AS next_attempt_at
FROM effects LEFT JOIN security_review_ledger AS ledger USING (instance, project_id, mr_iid);
