//! The merged code is not the approved one: the merged version has another `git patch-id`. A pure rebase keeps the patch-id, and
//! versions between the approval and the merge do not matter.

use jiff::Timestamp;
use model::{DiffVersion, Reading};

use crate::approval::ApprovalRecord;
use crate::case::{CheckOutcome, MergeCase};
use crate::time::{Interval, readable};

pub(crate) fn check(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> CheckOutcome {
    let name = &record.user.username;
    let Reading::Known(versions) = &case.api.versions else {
        return CheckOutcome::Unknown(format!(
            "whether the code changed after {name} approved could not be read"
        ));
    };
    // Without a time nothing can be newer; `approved_after_merge` reports that the time is unknown.
    let Some(given) = record.given() else {
        return CheckOutcome::Clear;
    };
    let Some(merged) = merged_version(versions, case) else {
        return CheckOutcome::Clear;
    };
    let compared: Vec<Option<bool>> = possibly_approved(versions, given)
        .map(|approved| approved.and_then(|approved| same_patch(approved, merged)))
        .collect();
    if compared.iter().all(|same| *same == Some(true)) {
        return CheckOutcome::Clear;
    }
    if compared.iter().all(|same| *same == Some(false)) && record.seen_later(case.merged_at()) {
        return CheckOutcome::Unknown(format!(
            "GitLab lists an older approval of {name} than the events received show before the merge"
        ));
    }
    if compared.iter().all(|same| *same == Some(false)) {
        return CheckOutcome::Holds(format!(
            "{name} approved at {}, and the merged code is that of {}",
            readable(given.from),
            readable(merged.created_at)
        ));
    }
    CheckOutcome::Unknown(format!(
        "commits came about or after the time when {name} approved, and GitLab does not show whether they changed the code"
    ))
}

/// Whether the newest version up to the merge is not that of the merged head: a replica lags.
pub(crate) fn lags(case: &MergeCase<'_>) -> bool {
    let (Reading::Known(versions), Some(head)) = (&case.api.versions, &case.api.merge.head_sha) else {
        return false;
    };
    let merged = |version: &DiffVersion| version.head_sha.as_ref() == Some(head);
    let later = versions.iter().filter(|version| version.created_at > case.merged_at());
    let up_to_merge = versions.iter().filter(|version| version.created_at <= case.merged_at());
    let newest = up_to_merge.max_by_key(|version| position(version));
    !versions.is_empty() && !newest.is_some_and(merged) && !later.into_iter().any(merged)
}

/// The version whose head was merged, else the newest one up to the merge.
fn merged_version<'a>(versions: &'a [DiffVersion], case: &MergeCase<'_>) -> Option<&'a DiffVersion> {
    let head = case.api.merge.head_sha.as_ref();
    // Its time may be from a clock ahead of the merge's.
    let of_head = versions
        .iter()
        .filter(|version| head.is_some() && version.head_sha.as_ref() == head);
    let up_to_merge = || versions.iter().filter(|version| version.created_at <= case.merged_at());
    of_head
        .max_by_key(|version| position(version))
        .or_else(|| up_to_merge().max_by_key(|version| position(version)))
}

/// The versions that may have been current when the approval was given; `None`: it was given before the first.
fn possibly_approved(versions: &[DiffVersion], given: Interval) -> impl Iterator<Item = Option<&DiffVersion>> {
    // There is no approval before the first version, unless GitLab itself reports that time.
    let first = versions.iter().map(|version| version.created_at).min();
    let from = first
        .filter(|first| *first <= given.to)
        .map_or(given.from, |first| first.max(given.from));
    let current = versions
        .iter()
        .filter(|version| version.created_at <= from)
        .max_by_key(|version| position(version));
    let within = versions
        .iter()
        .filter(move |version| version.created_at > from && version.created_at <= given.to);
    std::iter::once(current).chain(within.map(Some))
}

/// Versions in a fixed order, also at the same time.
fn position(version: &DiffVersion) -> (Timestamp, Option<&str>, Option<&str>) {
    (
        version.created_at,
        version.patch_id.as_deref(),
        version.head_sha.as_deref(),
    )
}

/// Whether two versions are the same change; `None` if that cannot be determined.
fn same_patch(one: &DiffVersion, other: &DiffVersion) -> Option<bool> {
    match (&one.patch_id, &other.patch_id) {
        (Some(one), Some(other)) => Some(one == other),
        _ if one == other => Some(true),
        _ => (one.head_sha.is_some() && one.head_sha == other.head_sha).then_some(true),
    }
}

#[cfg(test)]
mod tests {
    use model::ExceptionKind;

    use crate::testing::{ALICE, Life};

    #[test]
    fn a_change_after_the_approval_voids_it() {
        let life = Life::labelled()
            .version("09:00:00", "aaa", Some("p1"))
            .version("11:00:00", "bbb", Some("p2"));
        life.clone()
            .approved_by(ALICE, "10:00:00")
            .is_exception(ExceptionKind::ApprovedOtherCommit);
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
    fn the_merged_head_counts_whatever_its_time() {
        let mut life = Life::labelled()
            .version("09:00:00", "aaa", Some("p1"))
            .version("12:00:01", "bbb", Some("p2"));
        life.api.merge.head_sha = Some("bbb".into());
        life.facts.deadline_passed = true;
        life.approved_by(ALICE, "10:00:00")
            .is_exception(ExceptionKind::ApprovedOtherCommit);
    }

    #[test]
    fn new_commits_without_patch_ids_are_unverified() {
        let life = Life::labelled().version("09:00:00", "aaa", None);
        life.clone().approved_by(ALICE, "10:00:00").is_approved();
        life.version("11:00:00", "bbb", None)
            .approved_by(ALICE, "10:00:00")
            .is_exception(ExceptionKind::Unverified);
    }

    #[test]
    fn unreadable_versions_are_not_an_approval() {
        Life::labelled()
            .versions_unreadable()
            .approved_by(ALICE, "10:00:00")
            .is_exception(ExceptionKind::Unverified);
    }

    #[test]
    fn only_the_merged_version_is_compared() {
        let mut life = Life::labelled()
            .version("09:00:00", "aaa", Some("p1"))
            .version("10:30:00", "bbb", Some("p2"))
            .version("11:00:00", "ccc", Some("p1"));
        life.api.merge.head_sha = Some("ccc".into());
        life.clone().approved_by(ALICE, "10:00:00").is_approved();
        life.api.merge.head_sha = Some("bbb".into());
        life.facts.deadline_passed = true;
        life.approved_by(ALICE, "10:00:00")
            .is_exception(ExceptionKind::ApprovedOtherCommit);
    }

    #[test]
    fn a_stale_time_makes_the_approved_version_unknown() {
        let life = Life::labelled()
            .version("09:00:00", "aaa", Some("p1"))
            .version("10:00:10.7", "bbb", Some("p2"))
            .approved_without_time(ALICE);
        let approval = model::HistoryEvent {
            occurred_at_source: Some(model::OccurredAtSource::UpdatedAt),
            received_at: Some(crate::testing::at("11:30:00")),
            eligible: Some(true),
            ..life.event(model::EventAction::Approved, ALICE, "10:00:10")
        };
        life.with(approval).is_exception(ExceptionKind::Unverified);
    }
}
