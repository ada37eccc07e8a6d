//! `GET .../versions`: the versions of the diff, one for each push
//! (<https://docs.gitlab.com/api/merge_requests/#list-merge-request-diff-versions>).

use audit::{Action, Context};
use jiff::Timestamp;
use model::{DiffVersion, MergeRequestKey};
use serde::Deserialize;

use super::GitLab;
use crate::CallError;

#[derive(Debug, Deserialize)]
struct VersionJson {
    created_at: Timestamp,
    head_commit_sha: Option<String>,
    patch_id_sha: Option<String>,
}

impl GitLab {
    /// Versions of the diff, in GitLab's order.
    pub(super) async fn versions(
        &self,
        context: &Context,
        key: &MergeRequestKey,
    ) -> Result<Vec<DiffVersion>, CallError> {
        let versions: Vec<VersionJson> = self
            .list_of_merge_request(context, Action::GitlabGetMrVersions, key, "versions")
            .await?;
        let versions = versions.into_iter().map(|version| DiffVersion {
            created_at: version.created_at,
            head_sha: version.head_commit_sha,
            patch_id: version.patch_id_sha,
        });
        Ok(versions.collect())
    }
}
