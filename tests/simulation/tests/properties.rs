//! Properties of verdicts and of the flow, on random lives.

use model::{EarlierFacts, Facts, GitLabAnswer, HistoryEvent, Reading, SystemAction, Verdict, VerdictOutcome};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use simulation::api::Endpoint;
use simulation::clock::timestamp;
use simulation::ledger::{Decided, End};
use simulation::setting::Profile;
use simulation::{Built, Life, Person};

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20),
        ..ProptestConfig::with_cases(512)
    }
}

fn rules(built: &Built) -> &'static rules::Rules {
    built.world.setting.profile.rules()
}

fn is_exception(verdict: &Verdict) -> bool {
    matches!(verdict.outcome, VerdictOutcome::Exception { .. })
}

fn is_approved(verdict: &Verdict) -> bool {
    matches!(verdict.outcome, VerdictOutcome::Approved { .. })
}

/// A reset by GitLab at an instant, as its hook reports it.
fn reset(like: &HistoryEvent, at: i64, owner: bool) -> HistoryEvent {
    let action = if owner {
        SystemAction::CodeOwnerApprovalsResetOnPush
    } else {
        SystemAction::ApprovalsResetOnPush
    };
    HistoryEvent {
        action: model::EventAction::Unapproved,
        actor: Some(Person::Author.user()),
        occurred_at: timestamp(at),
        received_at: Some(timestamp(at + 700)),
        system: true,
        system_action: Some(action),
        eligible: None,
        eligible_read_at: None,
        stale: false,
        ..like.clone()
    }
}

/// Decisions with their facts.
fn decisions(life: &Life) -> (Built, Vec<Decided>) {
    let built = life.build();
    let record = built.play();
    (built, record.decided)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_reset_never_accuses_a_timed_approval(life in simulation::strategy::life(), at in 0_i64..100_000_000, owner: bool) {
        let (built, decided) = decisions(&life);
        for decided in decided.iter().filter(|decided| is_approved(&decided.verdict)) {
            let Some(like) = decided.facts.history.first() else { continue };
            let timed = matches!(&decided.facts.api, GitLabAnswer::Full(answer)
                if answer.approvals.iter().all(|approval| approval.approved_at.is_some()));
            if timed {
                let mut facts = decided.facts.clone();
                facts.history.push(reset(like, at, owner));
                prop_assert!(is_approved(&rules::evaluate(&facts, rules(&built))));
            }
        }
    }

    #[test]
    fn a_failing_optional_read_changes_no_verdict(life in simulation::strategy::life()) {
        let optional = |fault: &simulation::api::Fault| {
            matches!(fault.endpoint, Some(Endpoint::Reviewers))
                || (fault.endpoint == Some(Endpoint::ApprovalRules) && life.setting.profile != Profile::WithRule)
        };
        let mut without = life.clone();
        without.faults.retain(|fault| !optional(fault));
        let mut failing = without.clone();
        let endpoints = [Endpoint::Reviewers, Endpoint::ApprovalRules];
        let endpoints = endpoints.into_iter().filter(|each| *each == Endpoint::Reviewers || life.setting.profile != Profile::WithRule);
        // Added last, so that a failure of all endpoints still comes first.
        failing.faults.extend(endpoints.map(|endpoint| simulation::api::Fault {
            endpoint: Some(endpoint),
            from: i64::MIN / 2,
            to: i64::MAX / 2,
            failure: simulation::api::Failure::Unavailable,
        }));
        let brief = |life: &Life| -> Vec<(i64, VerdictOutcome, bool)> {
            let (_, decided) = decisions(life);
            decided.into_iter().map(|decided| (decided.at, decided.verdict.outcome, decided.confirmed)).collect()
        };
        prop_assert_eq!(brief(&without), brief(&failing));
    }

    #[test]
    fn an_earlier_answer_removes_no_missing_label(life in simulation::strategy::life(), pick: prop::sample::Index) {
        let built = life.build();
        let record = built.play();
        let partial: Vec<&GitLabAnswer> = record.readings.iter().map(|(_, reading)| &reading.answer)
            .filter(|answer| matches!(answer, GitLabAnswer::Unavailable(_) | GitLabAnswer::Denied(_) | GitLabAnswer::LabelsOnly(_)))
            .collect();
        if !partial.is_empty() {
            let answer = partial[pick.index(partial.len())];
            for decided in record.decided.iter().filter(|decided| decided.verdict.exception() == Some(model::ExceptionKind::LabelRemovedBeforeMerge)) {
                let earlier = Facts { api: without_approvals(answer), earlier: decided.facts.earlier.clone(), ..decided.facts.clone() };
                let facts = Facts { earlier: rules::earlier_facts(&earlier, rules(&built)), ..decided.facts.clone() };
                prop_assert!(is_exception(&rules::evaluate(&facts, rules(&built))));
            }
        }
    }

    #[test]
    fn forgetting_earlier_answers_adds_no_exception(life in simulation::strategy::life()) {
        let (built, decided) = decisions(&life);
        for decided in &decided {
            // Labels of earlier answers only add what must be reviewed.
            let earlier = EarlierFacts { labels: [].into(), labels_at_merge: [].into(), ..decided.facts.earlier.clone() };
            let facts = Facts { earlier, ..decided.facts.clone() };
            let without = rules::evaluate(&facts, rules(&built));
            prop_assert!(is_exception(&decided.verdict) || !is_exception(&without), "{without:#?}\n{:#?}", decided.verdict);
        }
    }

    #[test]
    fn nothing_unconfirmed_supersedes_a_decision(life in simulation::strategy::life()) {
        let (_, decided) = decisions(&life);
        prop_assert!(decided.iter().skip(1).all(|decided| decided.confirmed));
    }

    #[test]
    fn every_merge_that_was_shown_is_followed(life in simulation::strategy::life()) {
        let built = life.build();
        let record = built.play();
        let shown = record.received.iter().any(|received| !received.event.stale && received.event.state.as_deref() == Some("merged"));
        prop_assert!(record.end != End::Forgotten);
        prop_assert!(!shown || record.end != End::NotMerged);
        prop_assert!(built.world.merged_at().is_some() || record.decided.is_empty());
    }

    #[test]
    fn healthy_lives_end_confirmed(life in simulation::strategy::healthy_life()) {
        let built = life.build();
        let record = built.play();
        let well = built.world.setting.merge_time == simulation::setting::MergeTime::Shown;
        let waiting = matches!(record.end, End::Unconfirmed | End::GivenUp | End::Denied);
        prop_assert!(!(well && waiting), "{:?}", record.end);
    }

    #[test]
    fn the_order_of_stored_events_changes_nothing(life in simulation::strategy::life(), by: prop::sample::Index) {
        let (built, decided) = decisions(&life);
        for decided in decided.iter().filter(|decided| !decided.facts.history.is_empty()) {
            let mut facts = decided.facts.clone();
            let length = facts.history.len();
            facts.history.rotate_left(by.index(length));
            facts.history.extend(decided.facts.history.first().cloned());
            prop_assert_eq!(&rules::evaluate(&facts, rules(&built)), &decided.verdict);
        }
    }
}

/// Approvals in a partial answer may settle a verdict; its labels may not.
fn without_approvals(answer: &GitLabAnswer) -> GitLabAnswer {
    match answer.clone() {
        GitLabAnswer::Unavailable(unread) => GitLabAnswer::Unavailable(model::PartialAnswer {
            approvals: Vec::new(),
            ..unread
        }),
        GitLabAnswer::Denied(unread) => GitLabAnswer::Denied(model::PartialAnswer {
            approvals: Vec::new(),
            ..unread
        }),
        GitLabAnswer::LabelsOnly(mut labels) => {
            labels.label_events = Reading::Unknown("withheld".to_owned());
            GitLabAnswer::LabelsOnly(labels)
        }
        other => other,
    }
}
