//! Lives of merge requests in which the previous release decides each outcome.

use doubles::gitlab::MergeRequest as Shown;
use doubles::payload::MergeRequest;
use serde_json::{Value, json};

use super::release::{BOT, Release};
use crate::env::{ALICE, AUTHOR, HIGH, OUTSIDER, PROJECT};

pub(super) const PLAIN: &[&str] = &["backend"];

/// A merge that the previous release decides.
pub(super) struct Life {
    pub(super) iid: u64,
    /// Labels of the merge request at the merge.
    labels: &'static [&'static str],
    /// GitLab's further data.
    shown: fn(&mut Shown, &Release),
    /// Events before the merge: action, actor, seconds after the merge.
    events: &'static [(&'static str, u64, i64)],
    /// Outcome or kind, as the previous release stores it.
    pub(super) decided: &'static str,
    /// This version's verdict on the same facts.
    pub(super) now: &'static str,
}

/// Every outcome. `now` differs from `decided` only where the rules were changed.
pub(super) const LIVES: &[Life] = &[
    life(1, HIGH, |_, _| (), &[], "no_approval"),
    life(2, HIGH, approved, &[("approved", ALICE, -120)], "approved"),
    life(3, HIGH, approved, &[], "approved"),
    life(4, HIGH, |shown, at| by(shown, at, AUTHOR), &[], "self_approved"),
    life(
        5,
        HIGH,
        |shown, at| by(shown, at, OUTSIDER),
        &[],
        "approver_not_eligible",
    ),
    life(6, HIGH, |shown, at| by(shown, at, BOT), &[], "bot_approved"),
    life(7, HIGH, after_the_merge, &[], "approved_after_merge"),
    life(8, HIGH, pushed_after_approval, &[], "approved_other_commit"),
    life(9, HIGH, |_, _| (), &[("approved", ALICE, -120)], "unverified"),
    life(10, PLAIN, taken_off_by_outsider, &[], "label_removed_before_merge"),
    life(
        11,
        PLAIN,
        taken_off_by_approver,
        &[("unlabelled", ALICE, -90)],
        "declassified",
    ),
    life(12, PLAIN, |_, _| (), &[], "not_carried"),
    life(13, PLAIN, labelled_after_the_merge, &[], "not_carried"),
    life(
        14,
        HIGH,
        |_, _| (),
        &[("approved", ALICE, -120), ("unapproved", ALICE, -100)],
        "approval_revoked",
    ),
    // GitLab lists the approval with its time: it counts despite a reset, unless a reading confirms the approver's own act.
    Life {
        now: "approved",
        ..life(
            15,
            HIGH,
            approved,
            &[("approved", ALICE, -120), ("unapproved", ALICE, -100)],
            "approval_revoked",
        )
    },
    Life {
        now: "approved",
        ..life(
            16,
            HIGH,
            approved,
            &[("approved", ALICE, -120), ("reset", AUTHOR, -100)],
            "approval_revoked",
        )
    },
];

const fn life(
    iid: u64,
    labels: &'static [&'static str],
    shown: fn(&mut Shown, &Release),
    events: &'static [(&'static str, u64, i64)],
    decided: &'static str,
) -> Life {
    Life {
        iid,
        labels,
        shown,
        events,
        decided,
        now: decided,
    }
}

fn by(shown: &mut Shown, release: &Release, user: u64) {
    shown.approved(user, &release.text(-120));
}

fn approved(shown: &mut Shown, release: &Release) {
    by(shown, release, ALICE);
}

fn after_the_merge(shown: &mut Shown, release: &Release) {
    shown.approved(ALICE, &release.text(20));
}

fn pushed_after_approval(shown: &mut Shown, release: &Release) {
    approved(shown, release);
    let head = "b".repeat(40);
    shown.version(&head, "p2", &release.text(-90)).set("sha", head);
}

fn taken_off(shown: &mut Shown, release: &Release, user: u64) {
    shown.label_event("add", "sec/critical", AUTHOR, &release.text(-7200));
    shown.label_event("remove", "sec/critical", user, &release.text(-90));
}

fn taken_off_by_outsider(shown: &mut Shown, release: &Release) {
    taken_off(shown, release, OUTSIDER);
}

fn taken_off_by_approver(shown: &mut Shown, release: &Release) {
    taken_off(shown, release, ALICE);
}

fn labelled_after_the_merge(shown: &mut Shown, release: &Release) {
    shown.set("labels", json!(["backend", "security::high"]));
    shown.label_event("add", "security::high", OUTSIDER, &release.text(20));
}

impl Life {
    pub(super) fn mr(&self) -> MergeRequest {
        MergeRequest::new(PROJECT, self.iid, self.labels)
    }

    /// Plays it: `deliver` receives each delivery.
    pub(super) async fn lived(&self, release: &Release, deliver: impl AsyncFn(Value)) {
        let mr = self.mr();
        if !self.events.is_empty() {
            release.shown_open(&mr, |shown| (self.shown)(shown, release));
        }
        for (action, actor, seconds) in self.events {
            let at = release.at_second(*seconds);
            deliver(match *action {
                "reset" => mr.reset_by_push(*actor, at),
                "unlabelled" => unlabelled(&mr, *actor, at),
                action => mr.event(action, *actor, at),
            })
            .await;
        }
        release.shown(&mr, |shown| (self.shown)(shown, release));
        deliver(mr.event("merge", AUTHOR, release.merged_at)).await;
    }
}

fn unlabelled(mr: &MergeRequest, actor: u64, at: jiff::Timestamp) -> Value {
    let before = MergeRequest::new(mr.project, mr.iid, &["backend", "sec/critical"]).event("update", actor, at);
    let mut payload = mr.event("update", actor, at);
    payload["changes"]["labels"] = json!({"previous": before["labels"], "current": payload["labels"]});
    payload
}

/// An event after the merge that changes nothing.
pub(super) fn late(mr: &MergeRequest, release: &Release) -> Value {
    let mut payload = mr.event("update", AUTHOR, release.at_second(30));
    payload["object_attributes"]["state"] = json!("merged");
    payload
}
