//! The diff changed after the approval: a newer diff version with another `git patch-id`. A pure rebase keeps the patch-id.

use jiff::Timestamp;
use model::{DiffVersion, Reading};

use crate::act::{Act, readable};
use crate::case::{Case, Finding};

pub(crate) fn check(act: &Act<'_>, case: &Case<'_>) -> Finding {
    let name = &act.user.username;
    let Reading::Known(versions) = &case.api.versions else {
        return Finding::Unknown(format!(
            "whether the code changed after {name} approved could not be read"
        ));
    };
    // Without a time nothing can be newer than it; `approved_after_merge` says that the time is unknown.
    let Some(since) = act.since(case.merged_at()) else {
        return Finding::Clear;
    };
    let newer: Vec<&DiffVersion> = versions
        .iter()
        .filter(|version| version.created_at > since && version.created_at <= case.merged_at())
        .collect();
    if newer.is_empty() {
        return Finding::Clear;
    }
    let approved = versions
        .iter()
        .filter(|version| version.created_at <= since)
        .max_by_key(|version| position(version));
    let changed = |version: &&&DiffVersion| approved.and_then(|approved| same_patch(approved, version)) == Some(false);
    if let Some(version) = newer.iter().filter(changed).min_by_key(|version| position(version)) {
        let at = readable(version.created_at);
        return Finding::Holds(format!(
            "{name} approved at {}, and the code changed at {at}",
            readable(since)
        ));
    }
    if newer
        .iter()
        .all(|version| approved.and_then(|approved| same_patch(approved, version)) == Some(true))
    {
        return Finding::Clear;
    }
    Finding::Unknown(format!(
        "commits came after {name} approved, and GitLab does not say whether they changed the code"
    ))
}

/// Versions in a fixed order, also within one instant.
fn position(version: &DiffVersion) -> (Timestamp, Option<&str>, Option<&str>) {
    (
        version.created_at,
        version.patch_id.as_deref(),
        version.head_sha.as_deref(),
    )
}

/// Whether two versions are the same change; `None` if that cannot be told.
fn same_patch(one: &DiffVersion, other: &DiffVersion) -> Option<bool> {
    match (&one.patch_id, &other.patch_id) {
        (Some(one), Some(other)) => Some(one == other),
        _ => (one.head_sha.is_some() && one.head_sha == other.head_sha).then_some(true),
    }
}

#[cfg(test)]
mod tests {
    use model::Kind;

    use crate::testing::{ALICE, Life};

    #[test]
    fn a_change_after_the_approval_voids_it() {
        let life = Life::labelled()
            .version("09:00:00", "aaa", Some("p1"))
            .version("11:00:00", "bbb", Some("p2"));
        life.clone()
            .approved_by(ALICE, "10:00:00")
            .is_exception(Kind::ApprovedOtherCommit);
        life.approved_by(ALICE, "11:00:01").is_approved();
    }

    #[test]
    fn a_pure_rebase_keeps_the_approval() {
        let life = Life::labelled()
            .version("09:00:00", "aaa", Some("p1"))
            .version("11:00:00", "bbb", Some("p1"));
        life.approved_by(ALICE, "10:00:00").is_approved();
    }

    #[test]
    fn a_version_made_after_the_merge_says_nothing() {
        let life = Life::labelled()
            .version("09:00:00", "aaa", Some("p1"))
            .version("12:00:05", "bbb", Some("p2"));
        life.approved_by(ALICE, "10:00:00").is_approved();
    }

    #[test]
    fn an_older_gitlab_without_patch_ids_leaves_new_commits_unknown() {
        let life = Life::labelled().version("09:00:00", "aaa", None);
        life.clone().approved_by(ALICE, "10:00:00").is_approved();
        life.version("11:00:00", "bbb", None)
            .approved_by(ALICE, "10:00:00")
            .is_exception(Kind::Unverified);
    }

    #[test]
    fn unreadable_versions_are_not_an_approval() {
        Life::labelled()
            .versions_unreadable()
            .approved_by(ALICE, "10:00:00")
            .is_exception(Kind::Unverified);
    }
}
