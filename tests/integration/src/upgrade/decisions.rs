//! The previous release's stored data, read by this version's code.

use std::collections::{BTreeMap, BTreeSet};

use doubles::postgres::config;
use model::{MergeRequestKey, Review, Verdict, VerdictOutcome};
use rules::{Rules, evaluate, review_before_merge, review_of_merge};
use store::{DecisionStage, Store, StoredDecisionInput};

use super::filled::{UNCONFIRMED, WITHDRAWN, fill, labelled};
use super::lives::LIVES;
use super::release::Release;
use super::tables::{lost, rows};

/// Filled by the previous release, and migrated by this version.
pub(super) async fn upgraded() -> Release {
    let release = Release::on_its_own_schema().await;
    fill(&release).await;
    store::migrate(&config(&release.database().owner_url)).await.unwrap();
    release
}

/// An outcome as one word: for an exception its kind.
pub(super) fn word(outcome: &VerdictOutcome) -> &'static str {
    match outcome {
        VerdictOutcome::NotCarried => "not_carried",
        VerdictOutcome::Declassified => "declassified",
        VerdictOutcome::Approved { .. } => "approved",
        VerdictOutcome::Exception { kind } => kind.as_str(),
        VerdictOutcome::Pending { .. } => "pending",
    }
}

/// The previous release's last decision on each merge.
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

async fn decision_inputs(store: &Store) -> Vec<StoredDecisionInput> {
    store.decision_inputs(None, None, 500).await.unwrap()
}

/// The current decision on each merge.
pub(super) async fn current(store: &Store) -> BTreeMap<u64, &'static str> {
    let mut current = BTreeMap::new();
    for decision in decision_inputs(store).await {
        if decision.stage == DecisionStage::Merge && decision.current {
            current.insert(iid(&decision.merge_request), word(&decision.verdict.outcome));
        }
    }
    current
}

/// A decision's content, without the text of its reasons, and without an exception's notes: versions may differ in these.
fn substance(mut verdict: Verdict, mut review: Option<Review>) -> (Verdict, Option<Review>) {
    for reason in &mut verdict.reasons {
        reason.detail.clear();
    }
    if verdict.exception().is_some() {
        verdict.notes.clear();
        if let Some(review) = &mut review {
            review.notes.clear();
        }
    }
    (verdict, review)
}

#[tokio::test]
async fn a_migration_keeps_every_row() {
    let release = Release::on_its_own_schema().await;
    fill(&release).await;
    let owner = release.env.owner().await;
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
    let (store, env) = (release.database().store(), &release.env);
    let decisions = decision_inputs(&store).await;
    let stored = "SELECT count(*) FROM security_review_decisions";
    let stored: i64 = env.value(stored).await;
    assert_eq!(i64::try_from(decisions.len()).unwrap(), stored);
    let is_legacy = |decision: &StoredDecisionInput| decision.evaluator == 1 && decision.confirmed.is_none();
    assert!(decisions.iter().all(is_legacy));
    assert_eq!(current(&store).await, decided());

    // Confirmed: those with GitLab's answer. Only an event or an operator causes a re-read of the others.
    let mut unconfirmed = BTreeSet::new();
    for iid in decided().into_keys() {
        if !env.decision(&labelled(iid)).await.unwrap().confirmed {
            unconfirmed.insert((i64::try_from(iid).unwrap(), true));
        }
    }
    let view = "SELECT mr_iid, next_attempt_at IS NULL FROM security_review_unconfirmed";
    let listed = env.auditor().query_typed(view, &[]).await.unwrap();
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
    for decision in decision_inputs(&store).await {
        let file = store.rules_file(&decision.rules_hash).await.unwrap().unwrap();
        let rules = Rules::parse_stored(&file).unwrap();
        assert_eq!(rules.hash, decision.rules_hash);
        let is_merge = decision.stage == DecisionStage::Merge;
        let (verdict, review) = if is_merge {
            let verdict = evaluate(&decision.facts, &rules);
            let review = review_of_merge(&decision.facts, &verdict, &rules);
            (verdict, review)
        } else {
            let (verdict, review) = review_before_merge(&decision.facts, &rules).unwrap();
            (verdict, Some(review))
        };
        let now = word(&verdict.outcome);
        if substance(verdict, review) != substance(decision.verdict, decision.review) {
            differ.insert((iid(&decision.merge_request), is_merge), now);
        }
    }
    // The reviews before these merges differ as the merges do.
    let changed = LIVES.iter().filter(|life| life.now != life.decided);
    let mut expected: BTreeMap<_, _> = changed
        .flat_map(|life| [false, true].map(|is_merge| ((life.iid, is_merge), life.now)))
        .collect();
    // Committers were not read; not seeing a push by the approver proves nothing.
    expected.insert((30, true), "unverified");
    assert_eq!(differ, expected);
}

#[tokio::test]
async fn replay_accepts_decisions_of_the_previous_release() {
    let release = upgraded().await;
    let replayed = release.env.countersign(&["replay", "--verify"]);
    assert!(replayed.status.success(), "{replayed:?}");
    let said = String::from_utf8(replayed.stderr).unwrap();
    let decisions = decision_inputs(&release.database().store()).await.len();
    assert!(said.contains(&decisions.to_string()), "{decisions} decisions: {said}");
}
