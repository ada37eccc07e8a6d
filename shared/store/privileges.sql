-- Who may do what. Run after every migration, so that a restored or tampered database gets its privileges back.
-- The group roles exist already (roles belong to the whole cluster, privileges to this database).

GRANT USAGE ON SCHEMA public TO countersign_application, countersign_auditor, countersign_operator;

REVOKE ALL ON merge_request_events, security_review_decisions, security_review_exceptions, evaluations, effects,
    effect_attempts, quarantined_deliveries, schema_history
    FROM PUBLIC, countersign_application, countersign_auditor; -- privileges on single columns go with them

-- The application appends. It updates only rows with a life cycle, and only their mutable columns.
GRANT SELECT, INSERT ON merge_request_events, security_review_decisions, effect_attempts, quarantined_deliveries
    TO countersign_application;
GRANT SELECT, INSERT ON security_review_exceptions TO countersign_application;
GRANT UPDATE (project_path, mr_title, mr_url, author_id, author_username, merged_by_id, merged_by_username, labels,
    risk_tier, kind, reasons, reason_codes, approvals, merged_at, merge_commit_sha, head_sha, rules_hash, status,
    updated_at) ON security_review_exceptions TO countersign_application;
GRANT SELECT, INSERT ON evaluations, effects TO countersign_application;
GRANT UPDATE (state, trigger, reason, attempts, next_attempt_at, deadline_at, correlation_id, traceparent, updated_at, source,
    first_seen_at, give_up_at, last_read_at, shown, reread_event, before_watch, earlier) ON evaluations TO countersign_application;
GRANT UPDATE (state, attempts, not_before, next_attempt_at, lease_until, external_id, last_error_class, last_error,
    correlation_id, traceparent, updated_at, superseded_because) ON effects TO countersign_application;
GRANT SELECT ON schema_history TO countersign_application;

-- The ledger's rows live; what they were made by is appended.
REVOKE ALL ON security_review_ledger, rules_files, pending_reviews FROM PUBLIC, countersign_application, countersign_auditor;
GRANT SELECT, INSERT ON security_review_ledger, rules_files, pending_reviews TO countersign_application;
GRANT UPDATE (state, trigger, reason, attempts, next_attempt_at, correlation_id, traceparent, earlier, updated_at)
    ON pending_reviews TO countersign_application;
GRANT UPDATE (mr_id, project_path, title, web_url, author_id, author_username, reviewers, deciding_reviewer_id,
    deciding_reviewer_username, risk_tier, labels, decision, decided_at, labelled_at, approved_at, time_unknown_reason, sla_target,
    sla_elapsed, merged_by_id, merged_by_username, merge_method, merged_at, merge_commit_sha, head_sha, proof, notes, rules_hash,
    evidence_id, evidence_sha256, decision_id, read_at, revision, updated_at, correlation_id) ON security_review_ledger TO countersign_application;
GRANT SELECT ON security_review_ledger, rules_files, pending_reviews, security_review_volume, security_review_approval_rate, security_review_times,
    security_review_sla, security_review_open, security_review_exception_counts, security_review_by_dimension, security_review_volume_by,
    security_review_approval_rate_by, security_review_times_by, security_review_sla_by TO countersign_auditor;
GRANT EXECUTE ON FUNCTION security_review_measures(date, date, security_review_dimension) TO countersign_auditor;

-- Re-reads, bot flags, and what operators request: the login of a request is the operator's own; no operator may name another.
REVOKE ALL ON reread_budgets, gitlab_users, operator_requests FROM PUBLIC, countersign_application, countersign_auditor, countersign_operator;
GRANT SELECT, INSERT, UPDATE (minute, requests, never_shown) ON reread_budgets TO countersign_application;
GRANT SELECT, INSERT ON gitlab_users TO countersign_application;
GRANT SELECT, UPDATE (started_at, finished_at, result, exit_code) ON operator_requests TO countersign_application;
GRANT countersign_auditor TO countersign_operator; -- an operator reads what an auditor reads
GRANT INSERT (id, command, arguments, requested_at) ON operator_requests TO countersign_operator;
GRANT SELECT ON security_review_unjudged, security_review_unconfirmed TO countersign_application;
GRANT SELECT ON reread_budgets, gitlab_users, operator_requests, security_review_unjudged, security_review_unconfirmed
    TO countersign_auditor;

REVOKE ALL ON FUNCTION countersign_known(text, bigint, bigint, text), countersign_history(text, bigint, bigint, bigint, bigint)
    FROM PUBLIC, countersign_application, countersign_auditor;
GRANT EXECUTE ON FUNCTION countersign_known(text, bigint, bigint, text), countersign_history(text, bigint, bigint, bigint, bigint)
    TO countersign_application;

-- The archive.
REVOKE ALL ON review_evidence, effect_requeues FROM PUBLIC, countersign_application, countersign_auditor;
GRANT SELECT, INSERT ON review_evidence TO countersign_application;
-- The login itself is recorded as the one who requeued an effect; no operator may name another.
GRANT SELECT, INSERT (id, effect_id, attempts, state_before, note, at) ON effect_requeues TO countersign_application;
GRANT SELECT ON review_evidence, effect_requeues, security_review_effects TO countersign_auditor;

-- GitLab's audit event streams.
REVOKE ALL ON gitlab_audit_events FROM PUBLIC, countersign_application, countersign_auditor;
GRANT SELECT, INSERT ON gitlab_audit_events TO countersign_application;
GRANT SELECT ON gitlab_audit_events TO countersign_auditor;

-- The auditor reads everything, tables of later versions too.
GRANT SELECT ON merge_request_events, security_review_decisions, security_review_exceptions, evaluations, effects,
    effect_attempts, quarantined_deliveries, schema_history
    TO countersign_auditor;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO countersign_auditor;

-- The audit log: entries are appended, and never through the partition of one month. The order is appended; waiting rows come and go.
REVOKE ALL ON audit_events, audit_pending, audit_positions, audit_sequence, audit_streams, audit_claims, audit_gaps, audit_intents,
    audit_destinations, audit_undelivered, quarantined_audit_lines, audit_unsequenced
    FROM PUBLIC, countersign_application, countersign_auditor;
GRANT SELECT, INSERT ON audit_events, audit_positions, audit_undelivered, quarantined_audit_lines TO countersign_application;
GRANT SELECT, INSERT, DELETE ON audit_claims, audit_intents TO countersign_application;
-- An entry gets into the queue by the trigger alone; the application adds the numbers of lines that repeated a known one.
GRANT SELECT, INSERT (stream_id, stream_seq, service, arrived_at), DELETE ON audit_pending TO countersign_application;
GRANT UPDATE (reported_at) ON audit_intents TO countersign_application;
GRANT SELECT, UPDATE (last_position) ON audit_sequence TO countersign_application;
GRANT SELECT, INSERT, UPDATE (service, released_seq, updated_at) ON audit_streams TO countersign_application;
GRANT SELECT, INSERT, UPDATE (service, missing_numbers, closed_at) ON audit_gaps TO countersign_application;
GRANT SELECT, INSERT, UPDATE (delivered, lease, lease_until, failures, next_attempt_at, failing_since, last_error_class, last_error,
    updated_at) ON audit_destinations TO countersign_application;
GRANT EXECUTE ON FUNCTION countersign_make_audit_partitions(timestamptz, integer) TO countersign_application;
GRANT SELECT ON audit_events, audit_pending, audit_positions, audit_sequence, audit_streams, audit_claims, audit_gaps, audit_intents,
    audit_destinations, audit_undelivered, quarantined_audit_lines, audit_unsequenced TO countersign_auditor;
GRANT SELECT ON audit_unsequenced TO countersign_application;
