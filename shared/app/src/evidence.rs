//! The evidence of a decision: GitLab's answer as it was read, or why GitLab did not answer.

use model::{EvidenceRef, GitLabAnswer, MergeRequestKey};
use serde::Serialize;
use store::{NewEvidence, StoreError, Tx};
use uuid::Uuid;

use crate::merge::Merge;

#[derive(Debug, Serialize)]
struct Evidence<'a> {
    version: u32,
    merge_request: &'a MergeRequestKey,
    gitlab: &'a GitLabAnswer,
}

/// Keeps the evidence of a verdict on a merge; the same GitLab answer, evaluated again, is the same evidence.
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

#[cfg(test)]
mod tests {
    use model::{MergeRequestIid, PartialAnswer, ProjectId};

    use super::*;

    /// The digest covers these bytes, and outsiders recompute it: the format of a version never changes.
    #[test]
    fn version_1_keeps_its_bytes() {
        let key = MergeRequestKey {
            instance: "main".to_owned(),
            project_id: ProjectId(77),
            mr_iid: MergeRequestIid(12),
        };
        let evidence = NewEvidence::of(&Evidence {
            version: 1,
            merge_request: &key,
            gitlab: &GitLabAnswer::NotMerged(PartialAnswer {
                because: "its state is opened".to_owned(),
                labels: None,
                approvals: Vec::new(),
                read_at: None,
                merged: false,
                retry_after_seconds: None,
                details_read: false,
                silent: false,
            }),
        })
        .unwrap();
        let content = concat!(
            r#"{"gitlab":{"not_merged":{"because":"its state is opened","labels":null}},"#,
            r#""merge_request":{"instance":"main","mr_iid":12,"project_id":77},"version":1}"#,
        );
        assert_eq!(evidence.content, content);
        assert_eq!(
            evidence.sha256,
            "615e057509dce63badbdb28483e6a14c39b8956e63095ee03dd51c319d3145dd"
        );
    }
}
