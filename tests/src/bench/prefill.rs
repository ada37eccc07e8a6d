//! Tables as they look after years: many rows of events, written through triggers and constraints like any other.

use super::load::PROJECTS;
use super::stage::{INSTANCE, Stage};
use super::{Result, progress};
use crate::postgres;

/// Rows of one statement.
const CHUNK: u64 = 250_000;

/// Ids are ordered by time as those of the application are, delivery keys random as GitLab's are.
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

/// Fills the table of events of a stage's database, and leaves it as vacuumed and checkpointed as a server in service keeps it.
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
