//! Properties that hold for every history of a merge request.

use model::{
    Approval, EarlierFacts, ExceptionKind, GitLabAnswer, LabelFacts, PartialAnswer, Reading, Verdict, VerdictOutcome,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::evaluate;
use crate::testing::{ALICE, AUTHOR, BOB, Life, OUTSIDER};

#[derive(Debug, Clone)]
enum Act {
    ApiApproval(i64, u8),
    UntimedApproval(i64),
    Seen(i64, u8, Option<bool>),
    TakenBack(i64, u8),
    Reset(u8),
    Push(i64, u8),
    Version(u8, Option<u8>),
    Label(bool, i64, u8),
    NullLabel(bool, i64, u8),
}

fn time(slot: u8) -> String {
    // Slots of half a second around noon and hours before it, so that ties occur.
    if slot < 12 {
        format!("{:02}:00:00", 8 + slot / 3)
    } else {
        format!("{:02}:59:{:02}", 11 + slot / 22, 50 + slot % 10)
    }
}

fn act() -> impl Strategy<Value = Act> {
    let who = || prop_oneof![Just(AUTHOR), Just(ALICE), Just(BOB), Just(OUTSIDER)];
    let when = || 0_u8..32;
    prop_oneof![
        (who(), when()).prop_map(|(who, when)| Act::ApiApproval(who, when)),
        who().prop_map(Act::UntimedApproval),
        (who(), when(), any::<Option<bool>>()).prop_map(|(who, when, eligible)| Act::Seen(who, when, eligible)),
        (who(), when()).prop_map(|(who, when)| Act::TakenBack(who, when)),
        when().prop_map(Act::Reset),
        (who(), when()).prop_map(|(who, when)| Act::Push(who, when)),
        (when(), proptest::option::of(0_u8..3)).prop_map(|(when, patch)| Act::Version(when, patch)),
        (any::<bool>(), who(), when()).prop_map(|(added, who, when)| Act::Label(added, who, when)),
        (any::<bool>(), who(), when()).prop_map(|(added, who, when)| Act::NullLabel(added, who, when)),
    ]
}

fn live(labelled: bool, acts: &[Act], minimum: usize, exclude: bool) -> Life {
    let start = if labelled { Life::labelled() } else { Life::unlabelled() };
    let life = acts.iter().fold(start.minimum(minimum), |life, act| match act {
        Act::ApiApproval(who, when) => life.approved_by(*who, &time(*when)),
        Act::UntimedApproval(who) => life.approved_without_time(*who),
        Act::Seen(who, when, eligible) => life.seen(*who, &time(*when), *eligible),
        Act::TakenBack(who, when) => life.taken_back_by(*who, &time(*when)),
        Act::Reset(when) => life.reset(&time(*when)),
        Act::Push(who, when) => life.pushed_by(*who, &time(*when)),
        Act::Version(when, patch) => life.version(&time(*when), "h", patch.map(|patch| format!("p{patch}")).as_deref()),
        Act::Label(added, who, when) => life.label_event(Some("sec/critical"), *added, *who, &time(*when)),
        Act::NullLabel(added, who, when) => life.label_event(None, *added, *who, &time(*when)),
    });
    if exclude { life.excluding_committers() } else { life }
}

fn life() -> impl Strategy<Value = Life> {
    let acts = proptest::collection::vec(act(), 0..10);
    (any::<bool>(), acts, 1_usize..3, any::<bool>())
        .prop_map(|(labelled, acts, minimum, exclude)| live(labelled, &acts, minimum, exclude))
}

/// Higher is worse: valid or nothing to review, then any exception.
fn badness(verdict: &Verdict) -> u8 {
    u8::from(matches!(verdict.outcome, VerdictOutcome::Exception { .. }))
}

/// A team member who occurs nowhere else.
const CAROL: i64 = 503;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn additional_valid_approval_never_worsens_the_verdict(life in life()) {
        let before = life.verdict();
        let Reading::Known(eligible) = life.api.eligible_now.clone() else { unreachable!() };
        let mut more = life;
        more.api.eligible_now = Reading::Known(eligible.into_iter().chain([model::UserId(CAROL)]).collect());
        let after = more.approved_by(CAROL, "11:59:59.9").verdict();
        prop_assert!(badness(&after) <= badness(&before), "{before:#?}\n{after:#?}");
    }

    #[test]
    fn the_order_of_events_does_not_matter(life in life(), order in proptest::collection::vec(any::<Index>(), 20)) {
        let mut shuffled = life.clone();
        for pick in &order {
            if !shuffled.facts.history.is_empty() {
                let from = pick.index(shuffled.facts.history.len());
                let event = shuffled.facts.history.remove(from);
                shuffled.facts.history.push(event);
            }
            if let Reading::Known(events) = &mut shuffled.api.label_events && !events.is_empty() {
                let from = pick.index(events.len());
                let event = events.remove(from);
                events.insert(0, event);
            }
            if let Reading::Known(versions) = &mut shuffled.api.versions && !versions.is_empty() {
                let by = pick.index(versions.len());
                versions.rotate_left(by);
            }
        }
        shuffled.api.approvals.reverse();
        prop_assert_eq!(shuffled.verdict(), life.verdict());
    }

    #[test]
    fn duplicates_do_not_matter(life in life()) {
        let mut doubled = life.clone();
        doubled.facts.history.extend(life.facts.history.clone());
        doubled.api.approvals.extend(life.api.approvals.clone());
        prop_assert_eq!(doubled.verdict(), life.verdict());
    }

    #[test]
    fn unknown_never_turns_into_approved(life in life(), forget in 0_u8..4) {
        let before = life.verdict();
        let mut unknown = life;
        match forget {
            0 => unknown = unknown.members_unreadable(),
            1 => unknown = unknown.versions_unreadable(),
            2 => unknown.api.approvals.iter_mut().for_each(|approval| approval.approved_at = None),
            _ => unknown.facts.history.iter_mut().for_each(|event| event.eligible = event.eligible.filter(|eligible| *eligible)),
        }
        let after = unknown.verdict();
        if forget != 3 && badness(&before) == 1 {
            let approved_by_time = forget == 2;
            // Without the API's times the stored ones apply, which may differ; all other changes only remove information.
            prop_assert!(approved_by_time || badness(&after) == 1, "{before:#?}\n{after:#?}");
        }
        for answer in [GitLabAnswer::Unavailable("x".to_owned().into()), GitLabAnswer::Denied("x".to_owned().into()), GitLabAnswer::NotMerged("x".to_owned().into())] {
            for deadline_passed in [false, true] {
                let facts = model::Facts { api: answer.clone(), deadline_passed, ..unknown.facts() };
                let approved = matches!(evaluate(&facts, &unknown.rules).outcome, VerdictOutcome::Approved { .. } | VerdictOutcome::Declassified);
                prop_assert!(!approved);
            }
        }
    }

    /// Read labels alone select the same merges as a full answer.
    #[test]
    fn with_only_labels_read_labelled_merges_are_unverified(life in life()) {
        let labels = LabelFacts {
            clock_offset_seconds: 0,
            merged_at: Some(life.api.merge.merged_at),
            labels_now: life.api.labels_now.clone(),
            label_events: life.api.label_events.clone(),
        };
        let unread = PartialAnswer { labels: Some(labels), ..PartialAnswer::from("503".to_owned()) };
        let whole = life.verdict();
        for api in [GitLabAnswer::Unavailable(unread.clone()), GitLabAnswer::Denied(unread)] {
            let facts = model::Facts { api, deadline_passed: true, ..life.facts() };
            let verdict = evaluate(&facts, &life.rules);
            prop_assert_eq!(&verdict.security_labels, &whole.security_labels);
            let unverified = VerdictOutcome::Exception { kind: ExceptionKind::Unverified };
            let expected = if whole.outcome == VerdictOutcome::NotCarried { VerdictOutcome::NotCarried } else { unverified };
            prop_assert_eq!(verdict.outcome, expected);
        }
    }

    #[test]
    fn history_alone_never_proves_an_approval(life in life()) {
        let mut without = life;
        without.api.approvals.clear();
        let approved = matches!(without.verdict().outcome, VerdictOutcome::Approved { .. });
        prop_assert!(!approved);
    }

    #[test]
    fn a_verdict_survives_being_stored(life in life()) {
        let verdict = life.verdict();
        let stored: Verdict = serde_json::from_str(&serde_json::to_string(&verdict).unwrap()).unwrap();
        prop_assert_eq!(&stored, &verdict);
        let facts: model::Facts = serde_json::from_str(&serde_json::to_string(&life.facts()).unwrap()).unwrap();
        prop_assert_eq!(evaluate(&facts, &life.rules), verdict);
    }

    #[test]
    fn a_reset_never_accuses_a_timed_approval(life in life(), when in 0_u8..32) {
        let mut timed = life;
        timed.api.approvals.retain(|approval| approval.approved_at.is_some());
        let before = timed.verdict();
        if matches!(before.outcome, VerdictOutcome::Approved { .. }) {
            let after = timed.reset(&time(when)).verdict();
            prop_assert!(matches!(after.outcome, VerdictOutcome::Approved { .. }), "{before:#?}\n{after:#?}");
        }
    }

    #[test]
    fn optional_reads_change_no_verdict(life in life()) {
        let mut without = life.clone();
        without.api.reviewers = Reading::Unknown("503".into());
        without.api.approval_rules = Reading::Unknown("503".into());
        prop_assert_eq!(without.verdict(), life.verdict());
    }

    #[test]
    fn an_earlier_answer_removes_no_missing_label(life in life(), at_merge in any::<bool>()) {
        let before = life.verdict();
        let mut more = life;
        let title = "sec/critical".to_owned();
        more.facts.earlier = EarlierFacts {
            labels: [(title.clone(), 1)].into(),
            labels_at_merge: at_merge.then_some(title).into_iter().collect(),
            ..EarlierFacts::default()
        };
        let after = more.verdict();
        prop_assert!(badness(&after) >= badness(&before), "{before:#?}\n{after:#?}");
    }

    #[test]
    fn an_earlier_approval_with_its_time_counts(life in life()) {
        let mut more = life.eligible_now(&[ALICE, BOB, CAROL]);
        let user = more.user(CAROL);
        more.facts.earlier.approvals = vec![Approval { user, approved_at: Some(crate::testing::at("11:59:59.9")) }];
        let earlier = more.verdict();
        more.facts.earlier = EarlierFacts::default();
        let listed = more.approved_by(CAROL, "11:59:59.9").verdict();
        prop_assert_eq!(earlier, listed);
    }

    #[test]
    fn first_reason_of_exception_is_its_kind(life in life()) {
        let verdict = life.verdict();
        match verdict.outcome {
            VerdictOutcome::Exception { kind } => prop_assert_eq!(verdict.reasons[0].kind, kind),
            _ => prop_assert!(verdict.reasons.is_empty()),
        }
    }
}

#[test]
fn the_properties_meet_every_kind_of_outcome() {
    // Tests the tests: if all random histories were alike, the properties above would prove little.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..4000 {
        let tree = life().new_tree(&mut runner).unwrap();
        let verdict = proptest::strategy::ValueTree::current(&tree).verdict();
        seen.insert(match verdict.outcome {
            VerdictOutcome::Exception { kind } => kind.as_str().to_owned(),
            VerdictOutcome::Approved { proof } => format!("approved {}", proof.as_str()),
            VerdictOutcome::Declassified => "declassified".into(),
            VerdictOutcome::NotCarried => "not carried".into(),
            VerdictOutcome::Pending { .. } => "pending".into(),
        });
    }
    for expected in ExceptionKind::ALL
        .iter()
        .filter(|kind| **kind != ExceptionKind::BotApproved)
        .map(|kind| kind.as_str())
    {
        assert!(seen.contains(expected), "{expected} never came up: {seen:?}");
    }
    for expected in ["approved api", "approved both", "declassified", "not carried"] {
        assert!(seen.contains(expected), "{expected} never came up: {seen:?}");
    }
}
