//! The evidence of a decision: GitLab's answer as it was read, or why GitLab gave no answer.

use model::{EvidenceRef, GitLabAnswer, MergeRequestKey};
use serde::Serialize;
use store::{NewEvidence, StoreError, Tx};
use uuid::Uuid;

use crate::decisions::Merge;

/// The stored form.
#[derive(Debug, Serialize)]
struct Evidence<'a> {
    /// Of this form.
    version: u32,
    merge_request: &'a MergeRequestKey,
    gitlab: &'a GitLabAnswer,
}

/// Keeps what the verdict on a merge rests on; the same answer of GitLab, evaluated again, is the same evidence.
pub(crate) fn keep_evidence(tx: &mut Tx<'_>, merge: &Merge<'_>) -> Result<EvidenceRef, StoreError> {
    let key = &merge.facts.merge_request;
    let new = NewEvidence::of(&Evidence {
        version: 1,
        merge_request: key,
        gitlab: &merge.facts.api,
    })?;
    if let Some(kept) = merge.state.evidence.iter().find(|kept| kept.sha256 == new.sha256) {
        return Ok(kept.clone());
    }
    let read_at = match &merge.facts.api {
        GitLabAnswer::Full(api) => Some(api.read_at),
        _ => None,
    };
    let id = Uuid::now_v7();
    tx.insert_evidence(key, id, &new, read_at, merge.now, merge.context.correlation_id)
        .later()?;
    Ok(EvidenceRef { id, sha256: new.sha256 })
}
