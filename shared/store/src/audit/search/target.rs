//! Targets as stored in `target_key`.

use super::explain::SearchQuery;
use super::filter::AuditTarget;
use crate::StoreError;
use crate::sql::column;

/// What `target_key` must be; empty: nothing matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TargetKeys {
    Exact(Vec<String>),
    /// Text that begins with one of these.
    Prefixes(Vec<String>),
}

impl TargetKeys {
    /// Whether an index cannot answer it in the order of ids.
    pub(super) fn is_range(&self) -> bool {
        match self {
            Self::Exact(keys) => keys.len() > 1,
            Self::Prefixes(_) => true,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Exact(keys) | Self::Prefixes(keys) => keys.is_empty(),
        }
    }
}

/// Jumps from instance to instance through the index, past all numbers of a project each time: `:` follows `9`. A key without an
/// instance counts as one, too; a key that names no merge request is skipped individually.
const INSTANCES: &str = "
    WITH RECURSIVE step AS (
        (SELECT target_key FROM audit_events WHERE target_key >= 'merge_request:' AND target_key < 'merge_request;'
         ORDER BY target_key LIMIT 1)
        UNION ALL
        SELECT (SELECT audit_events.target_key FROM audit_events
                WHERE audit_events.target_key > regexp_replace(step.target_key, '^(merge_request:(.*/)?)[0-9]+!?[0-9]*$', '\\1:')
                    AND audit_events.target_key < 'merge_request;'
                ORDER BY audit_events.target_key LIMIT 1)
        FROM step WHERE step.target_key IS NOT NULL)
    SELECT DISTINCT substring(target_key FROM '^(merge_request:(?:.*/)?)[0-9]+!') AS beginning
    FROM step WHERE target_key ~ '^merge_request:(.*/)?[0-9]+!'
    ORDER BY beginning";

impl SearchQuery<'_, '_> {
    pub(super) async fn target_keys(&mut self, target: &AuditTarget) -> Result<TargetKeys, StoreError> {
        let (instance, project_id, mr_iid) = match target {
            AuditTarget::Prefix(prefix) => return Ok(TargetKeys::Prefixes(vec![prefix.clone()])),
            AuditTarget::MergeRequest {
                instance,
                project_id,
                mr_iid,
            } => (instance, project_id, mr_iid),
        };
        let beginnings = match instance {
            Some(instance) => vec![format!("merge_request:{instance}/")],
            None => self.instances().await?,
        };
        let beginnings = beginnings.into_iter();
        Ok(match mr_iid {
            Some(iid) => TargetKeys::Exact(beginnings.map(|begin| format!("{begin}{project_id}!{iid}")).collect()),
            None => TargetKeys::Prefixes(beginnings.map(|begin| format!("{begin}{project_id}!")).collect()),
        })
    }

    /// `merge_request:main/` for each instance that has entries.
    async fn instances(&mut self) -> Result<Vec<String>, StoreError> {
        let rows = self.query("instances", INSTANCES, &[]).await?;
        rows.iter().map(|row| column(row, "beginning")).collect()
    }
}
