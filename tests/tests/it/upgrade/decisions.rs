//! What the previous release has stored, under this version's code.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use model::{Clock as _, MergeRequestKey, Outcome, SystemClock, Verdict};
use rules::{Rules, evaluate, review_before_merge, review_of_merge};
use serde_json::json;
use store::{Stage, Store, StoredJudgement};
use tests::payload::MergeRequest;
use tests::postgres::config;

use super::filled::{PENDING, PENDING_REVIEW, UNCONFIRMED, UNDECIDED, WITHDRAWN, fill, labelled};
use super::lives::{LIVES, PLAIN, late};
use super::release::Release;
use super::tables::{lost, rows};
use crate::evaluation::world::{ALICE, PROJECT};

/// Filled by the previous release, and migrated by this version.
async fn upgraded() -> Release {
    let release = Release::on_its_own_schema().await;
    fill(&release).await;
    store::migrate(&config(&release.database().owner_url)).await.unwrap();
    release
}

/// An outcome as one word: for an exception its kind.
fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::NotCarried => "not_carried",
        Outcome::Declassified => "declassified",
        Outcome::Approved { .. } => "approved",
        Outcome::Exception { kind } => kind.as_str(),
        Outcome::Pending { .. } => "pending",
    }
}

/// What the previous release decided last about each merge.
pub(super) fn decided() -> BTreeMap<u64, &'static str> {
    let mut decided: BTreeMap<_, _> = LIVES.iter().map(|life| (life.iid, life.decided)).collect();
    decided.extend(UNCONFIRMED);
    decided.extend([
        (WITHDRAWN, "approved"),
        (29, "no_approval"),
        (30, "insufficient_approvals"),
        (31, "committer_approved"),
    ]);
    decided
}

fn iid(key: &MergeRequestKey) -> u64 {
    key.mr_iid.0.try_into().unwrap()
}

async fn judgements(store: &Store) -> Vec<StoredJudgement> {
    store.judgements(None, None, 500).await.unwrap()
}

/// The current decision on each merge.
pub(super) async fn current(store: &Store) -> BTreeMap<u64, &'static str> {
    let mut current = BTreeMap::new();
    for judgement in judgements(store).await {
        if judgement.stage == Stage::Merge && judgement.stands {
            current.insert(iid(&judgement.merge_request), word(&judgement.verdict.outcome));
        }
    }
    current
}

/// The words of a reason may be others in each version.
fn without_words(mut verdict: Verdict) -> Verdict {
    for reason in &mut verdict.reasons {
        reason.detail.clear();
    }
    verdict
}

#[tokio::test]
async fn a_migration_keeps_every_row() {
    let release = Release::on_its_own_schema().await;
    fill(&release).await;
    let owner = &release.stand.owner;
    let before = rows(owner).await;
    let empty: Vec<_> = before.iter().filter(|(_, rows)| rows.is_empty()).collect();
    assert!(empty.is_empty(), "nothing was written to {empty:?}");
    let report = store::migrate(&config(&release.database().owner_url)).await.unwrap();
    assert!(report.from > 0 && report.from < report.to, "{report:?}");
    let after = rows(owner).await;
    assert_eq!(lost(&before, &after), Vec::<String>::new());
    for (table, rows) in &after {
        let more = rows.len() - before.get(table).map_or(0, Vec::len);
        // The merge that was seen and never decided.
        assert_eq!(more, usize::from(table == "evaluations"), "{table}");
    }
}

#[tokio::test]
async fn every_stored_decision_is_read() {
    let release = upgraded().await;
    let (store, world) = (release.database().store(), &release.stand.world);
    let judgements = judgements(&store).await;
    let stored = "SELECT count(*) FROM security_review_decisions";
    let stored: i64 = world.auditor.query_typed(stored, &[]).await.unwrap()[0].get(0);
    assert_eq!(i64::try_from(judgements.len()).unwrap(), stored);
    let is_legacy = |judgement: &StoredJudgement| judgement.evaluator == 1 && judgement.confirmed.is_none();
    assert!(judgements.iter().all(is_legacy));
    assert_eq!(current(&store).await, decided());

    // Confirmed: those that hold GitLab's answer. The others are read again only by an event or an operator.
    let mut unconfirmed = BTreeSet::new();
    for iid in decided().into_keys() {
        if !world.decision(&labelled(iid)).await.unwrap().confirmed {
            unconfirmed.insert((i64::try_from(iid).unwrap(), true));
        }
    }
    let view = "SELECT mr_iid, next_attempt_at IS NULL FROM security_review_unconfirmed";
    let listed = world.auditor.query_typed(view, &[]).await.unwrap();
    let listed: BTreeSet<(i64, bool)> = listed.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(listed, unconfirmed);
    let expected = UNCONFIRMED.map(|(iid, _)| (i64::try_from(iid).unwrap(), true));
    assert_eq!(unconfirmed, expected.into());
}

#[tokio::test]
async fn decisions_evaluate_to_themselves_unless_rules_changed() {
    let release = upgraded().await;
    let store = release.database().store();
    let mut differ = BTreeMap::new();
    for judgement in judgements(&store).await {
        let file = store.rules_file(&judgement.rules_hash).await.unwrap().unwrap();
        let rules = Rules::parse_stored(&file).unwrap();
        assert_eq!(rules.hash, judgement.rules_hash);
        let is_merge = judgement.stage == Stage::Merge;
        let (verdict, review) = if is_merge {
            let verdict = evaluate(&judgement.facts, &rules);
            let review = review_of_merge(&judgement.facts, &verdict, &rules);
            (verdict, review)
        } else {
            let (verdict, review) = review_before_merge(&judgement.facts, &rules).unwrap();
            (verdict, Some(review))
        };
        let now = word(&verdict.outcome);
        if without_words(verdict) != without_words(judgement.verdict) || review != judgement.review {
            differ.insert((iid(&judgement.merge_request), is_merge), now);
        }
    }
    // The reviews before these merges differ as the merges do.
    let changed = LIVES.iter().filter(|life| life.now != life.decided);
    let mut expected: BTreeMap<_, _> = changed
        .flat_map(|life| [false, true].map(|is_merge| ((life.iid, is_merge), life.now)))
        .collect();
    // Committers were not read; that no push of the approver was seen proves nothing.
    expected.insert((30, true), "unverified");
    assert_eq!(differ, expected);
}

/// This version decides what the previous release left to be read.
pub(super) async fn assert_what_waited_is_decided(release: &Release) {
    let world = &release.stand.world;
    let unjudged = "security_review_unjudged WHERE state = 'pending'";
    assert_eq!(world.count(unjudged, &labelled(UNDECIDED)).await, 1);
    world.gitlab.clear_stubs();
    for iid in [PENDING, PENDING_REVIEW] {
        release.shown(&labelled(iid), |_| ());
    }
    let due = "UPDATE evaluations SET next_attempt_at = now(); UPDATE pending_reviews SET next_attempt_at = now()";
    release.as_owner(due).await;
    let maintenance = release.stand.start("maintenance", &[]).await;
    let report = maintenance.invoke(json!({"jobs": ["pending_evaluations"]})).await;
    assert_eq!(report["evaluations_failed"], 0, "{report}");
    for iid in [UNDECIDED, PENDING] {
        let mr = labelled(iid);
        let decision = world.decision(&mr).await.unwrap();
        assert_eq!((decision.evaluator, decision.confirmed), (rules::EVALUATOR, true));
        assert_eq!(word(&decision.verdict.outcome), "no_approval");
        assert_eq!(world.count("security_review_unjudged WHERE true", &mr).await, 0);
    }
    // The review turned out to be of a merge, which is read in a minute.
    let waits = "evaluations WHERE state = 'pending'";
    assert_eq!(world.count(waits, &labelled(PENDING_REVIEW)).await, 1);
}

#[tokio::test]
async fn what_waited_is_decided_after_the_upgrade() {
    let release = upgraded().await;
    assert_what_waited_is_decided(&release).await;
}

#[tokio::test]
async fn late_events_reopen_no_confirmed_decision() {
    let release = upgraded().await;
    let world = &release.stand.world;
    world.clock.set(SystemClock.now());
    for life in LIVES {
        let mr = life.mr();
        let outcome = world.deliver(&late(&mr, &release)).await.outcome;
        // A person's act contradicts the answer: it is read again, as this version would have done.
        let expected = if life.iid == 15 { "unconfirmed" } else { "unchanged" };
        assert_eq!(outcome.as_str(), expected, "{}", life.iid);
        assert_eq!(
            world.count("security_review_decisions WHERE evaluator > 1", &mr).await,
            0
        );
    }
    world.gitlab.clear_stubs();
    release.shown(&labelled(PENDING), |_| ());
    world.clock.pass(SignedDuration::from_mins(5));
    // And what waited.
    assert_eq!(world.maintain().await, ["approved", "exception", "exception"]);
    assert_eq!(world.exception(&labelled(15)).await.unwrap().1, "withdrawn");
}

#[tokio::test]
async fn an_event_has_unconfirmed_decisions_read() {
    let release = upgraded().await;
    let world = &release.stand.world;
    world.clock.set(SystemClock.now());
    let [shown, hidden] = [labelled(20), MergeRequest::new(PROJECT, 21, PLAIN)];
    release.shown(&shown, |shown| {
        shown.approved(ALICE, &release.text(-120));
    });
    let outcome = world.deliver(&late(&shown, &release)).await.outcome;
    assert_eq!(outcome.as_str(), "approved");
    assert_eq!(world.exception(&shown).await.unwrap().1, "withdrawn");
    let outcome = world.deliver(&late(&hidden, &release)).await.outcome;
    assert_eq!(outcome.as_str(), "unconfirmed");
    let scheduled = "evaluations WHERE state = 'unconfirmed' AND next_attempt_at IS NOT NULL";
    assert_eq!(world.count(scheduled, &hidden).await, 1);
}
