//! How this version continues the previous release's work.

use doubles::payload::MergeRequest;
use jiff::SignedDuration;
use model::{Clock as _, SystemClock};
use serde_json::json;

use super::decisions::{upgraded, word};
use super::filled::{PENDING, PENDING_REVIEW, UNDECIDED, labelled};
use super::lives::{LIVES, PLAIN, late};
use super::release::Release;
use crate::env::{ALICE, PROJECT};

/// This version decides what the previous release left pending.
pub(super) async fn assert_what_waited_is_decided(release: &Release) {
    let env = &release.env;
    let unjudged = "security_review_unjudged WHERE state = 'pending'";
    assert_eq!(env.count(unjudged, &labelled(UNDECIDED)).await, 1);
    env.gitlab().clear_stubs();
    for iid in [PENDING, PENDING_REVIEW] {
        release.shown(&labelled(iid), |_| ());
    }
    let due = "UPDATE evaluations SET next_attempt_at = now(); UPDATE pending_reviews SET next_attempt_at = now()";
    release.as_owner(due).await;
    let maintenance = release.env.function("maintenance").await;
    let report = maintenance.invoke(json!({"jobs": ["pending_evaluations"]})).await;
    assert_eq!(report["evaluations_failed"], 0, "{report}");
    for iid in [UNDECIDED, PENDING] {
        let mr = labelled(iid);
        let decision = env.decision(&mr).await.unwrap();
        assert_eq!((decision.evaluator, decision.confirmed), (rules::EVALUATOR, true));
        assert_eq!(word(&decision.verdict.outcome), "no_approval");
        assert_eq!(env.count("security_review_unjudged WHERE true", &mr).await, 0);
    }
    // The review turned out to be of a merge, which is read in a minute.
    let waits = "evaluations WHERE state = 'pending'";
    assert_eq!(env.count(waits, &labelled(PENDING_REVIEW)).await, 1);
}

#[tokio::test]
async fn what_waited_is_decided_after_the_upgrade() {
    let release = upgraded().await;
    assert_what_waited_is_decided(&release).await;
}

#[tokio::test]
async fn late_events_reopen_no_confirmed_decision() {
    let release = upgraded().await;
    let env = &release.env;
    env.clock.set(SystemClock.now());
    for life in LIVES {
        let mr = life.mr();
        let outcome = env.deliver(&late(&mr, &release)).await.outcome;
        // A person's act contradicts the answer: it is read again, as this version would have done.
        let expected = if life.iid == 15 { "unconfirmed" } else { "unchanged" };
        assert_eq!(outcome.as_str(), expected, "{}", life.iid);
        assert_eq!(env.count("security_review_decisions WHERE evaluator > 1", &mr).await, 0);
    }
    env.gitlab().clear_stubs();
    release.shown(&labelled(PENDING), |_| ());
    env.clock.pass(SignedDuration::from_mins(5));
    // The pending ones.
    assert_eq!(env.maintain().await, ["approved", "exception", "exception"]);
    assert_eq!(env.exception(&labelled(15)).await.unwrap().1, "withdrawn");
}

#[tokio::test]
async fn an_event_has_unconfirmed_decisions_read() {
    let release = upgraded().await;
    let env = &release.env;
    env.clock.set(SystemClock.now());
    let [shown, hidden] = [labelled(20), MergeRequest::new(PROJECT, 21, PLAIN)];
    release.shown(&shown, |shown| {
        shown.approved(ALICE, &release.text(-120));
    });
    let outcome = env.deliver(&late(&shown, &release)).await.outcome;
    assert_eq!(outcome.as_str(), "approved");
    assert_eq!(env.exception(&shown).await.unwrap().1, "withdrawn");
    let outcome = env.deliver(&late(&hidden, &release)).await.outcome;
    assert_eq!(outcome.as_str(), "unconfirmed");
    let scheduled = "evaluations WHERE state = 'unconfirmed' AND next_attempt_at IS NOT NULL";
    assert_eq!(env.count(scheduled, &hidden).await, 1);
}
