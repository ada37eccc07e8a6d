//! Tables as after years of use: many event rows, written through triggers and constraints.

use super::delivery::INSTANCE;
use super::load::PROJECTS;
use super::stage::Stage;
use super::{Result, progress};
use doubles::postgres::{self, TestDatabase};

/// Rows per statement.
const CHUNK: u64 = 250_000;

/// Ids are ordered by time as the application's are; delivery keys are random as GitLab's are.
const INSERT: &str = "
    INSERT INTO merge_request_events
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid,
        '{instance}', n % {projects} + 1, 'group/project-' || n % {projects} + 1, n, n / {projects} / 8 + 1,
        'Move the session store behind the gateway',
        'https://gitlab.example.com/group/project-' || n % {projects} + 1 || '/-/merge_requests/' || n / {projects} / 8 + 1,
        'update', 'opened', 500 + n % 200, 'user-' || 500 + n % 200, false, 500 + n % 180, at, 'updated_at', NULL, at,
        '{backend}', '{}', '{}', false, NULL, hash || substr(hash, 1, 8), NULL, NULL, NULL, 'session-store', 'main', '[]',
        false, 'hmac_sha256', 'bench', hash, hash, NULL, hash || hash,
        (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(hash, 5, 3) || '8' || substr(hash, 9, 15))::uuid,
        md5((n / 5000)::text)::uuid, n
    FROM generate_series({first}::bigint, {last}::bigint) AS n,
        LATERAL (SELECT md5('prefilled ' || n) AS hash, now() - interval '3 years' + n * interval '5 seconds' AS at) AS made";

/// Reviews of two years: nine of ten approved, some open, some merged without approval; each with its exception.
const LEDGER: &str = "
    INSERT INTO security_review_ledger (id, instance, project_id, mr_iid, mr_id, project_path, title, web_url, author_id, author_username,
        reviewers, deciding_reviewer_id, deciding_reviewer_username, risk_tier, labels, decision, decided_at, labelled_at, approved_at,
        time_unknown_reason, sla_target, sla_elapsed, merged_by_id, merged_by_username, merged_at, merge_commit_sha, head_sha, proof, notes,
        rules_hash, read_at, revision, recorded_at, updated_at, correlation_id)
    SELECT key, 'prefilled', n % 400, n / 400 + 1, n, 'team-' || n % 20 || '/project-' || n % 400, 'Rotate the signing keys of service ' || n,
        'https://gitlab.example.com/team-' || n % 20 || '/project-' || n % 400 || '/-/merge_requests/' || n / 400 + 1, 600 + n % 900,
        'user-' || 600 + n % 900, '[]', approver, 'sec-' || approver, (ARRAY['critical', 'high', 'standard', 'low'])[n % 4 + 1],
        ARRAY['security::' || (ARRAY['critical', 'high', 'standard', 'low'])[n % 4 + 1]], decision,
        CASE WHEN decision IS NOT NULL THEN labelled + spent * 2 END, labelled, CASE WHEN approver IS NOT NULL THEN labelled + spent END,
        CASE WHEN decision IS NULL THEN 'no_decision' WHEN approver IS NULL THEN 'no_valid_approval' END, interval '1 day', spent,
        CASE WHEN merged THEN 600 + n % 900 END, CASE WHEN merged THEN 'user-' || 600 + n % 900 END,
        CASE WHEN merged THEN labelled + spent * 2 END, CASE WHEN merged THEN hash || '00000000' END, hash || '11111111',
        CASE WHEN approver IS NOT NULL THEN 'both' END, '{}', hash || hash, labelled, 1, labelled, labelled + spent * 2, key
    FROM generate_series({first}::bigint, {last}::bigint) AS n,
        LATERAL (SELECT md5('reviewed ' || n) AS hash, now() - interval '2 years' + n * (interval '2 years' / {total}) AS labelled,
            (n * 7919 % 172800) * interval '1 second' AS spent,
            CASE WHEN n % 200 = 0 THEN NULL WHEN n % 20 = 0 THEN 'merged_without_approval' WHEN n % 33 = 0 THEN 'closed' ELSE 'merged' END
                AS decision) AS made,
        LATERAL (SELECT CASE WHEN decision = 'merged' THEN 500 + n % 40 END AS approver, decision LIKE 'merged%' AS merged,
            (lpad(to_hex((extract(epoch FROM labelled) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid
                AS key) AS derived";

const EXCEPTIONS: &str = "
    INSERT INTO security_review_exceptions (id, instance, project_id, project_path, mr_id, mr_iid, mr_title, mr_url, author_id,
        author_username, merged_by_id, merged_by_username, labels, risk_tier, kind, reasons, reason_codes, approvals, merged_at, rules_hash,
        status, recorded_at, updated_at, correlation_id)
    SELECT id, instance, project_id, project_path, mr_id, mr_iid, title, web_url, author_id, author_username, merged_by_id,
        merged_by_username, labels, risk_tier, 'no_approval', '[]', '{no_approval}', '[]', merged_at, rules_hash, 'open', merged_at,
        merged_at, correlation_id
    FROM security_review_ledger WHERE instance = 'prefilled' AND decision = 'merged_without_approval'";

/// Fills the ledger and vacuums it, as on a server in service.
pub(super) async fn fill_ledger(database: &TestDatabase, rows: u64) -> Result<()> {
    let owner = postgres::connect(&database.owner_url).await;
    let mut first = 1;
    while first <= rows {
        let last = rows.min(first + CHUNK - 1);
        let sql = LEDGER
            .replace("{total}", &rows.to_string())
            .replace("{first}", &first.to_string())
            .replace("{last}", &last.to_string());
        owner.batch_execute(&sql).await?;
        progress(&format!("  {last} of {rows} reviews"));
        first = last + 1;
    }
    owner.batch_execute(EXCEPTIONS).await?;
    owner.batch_execute("VACUUM (ANALYZE) security_review_ledger").await?;
    owner
        .batch_execute("VACUUM (ANALYZE) security_review_exceptions")
        .await?;
    Ok(())
}

/// Fills the event table of a stage's database, vacuums it and runs a checkpoint, as on a server in service.
pub(super) async fn fill(stage: &Stage, rows: u64) -> Result<()> {
    let owner = postgres::connect(&stage.database.owner_url).await;
    let mut first = 1;
    while first <= rows {
        let last = rows.min(first + CHUNK - 1);
        let sql = INSERT
            .replace("{instance}", INSTANCE)
            .replace("{projects}", &PROJECTS.to_string())
            .replace("{first}", &first.to_string())
            .replace("{last}", &last.to_string());
        owner.batch_execute(&sql).await?;
        progress(&format!("  {last} of {rows} rows"));
        first = last + 1;
    }
    owner.batch_execute("VACUUM (ANALYZE) merge_request_events").await?;
    let superuser = postgres::connect(&stage.database.superuser_url).await;
    superuser.batch_execute("CHECKPOINT").await?;
    Ok(())
}
