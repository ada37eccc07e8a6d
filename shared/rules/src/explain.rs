//! Explains a verdict: each rule on each approval with wanted and found values, and where the sources differ.

use jiff::Timestamp;
use model::{ExceptionKind, Facts, GitLabAnswer, User};
use serde::Serialize;

use crate::Rules;
use crate::case::{CheckOutcome, MergeCase};
use crate::checked::CheckedApproval;
use crate::label_history::{Sources, of_sources};

/// The result of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// No objection to the approval.
    Clear,
    Against,
    /// Unknown; the approval does not count either.
    Unknown,
}

/// One rule on one approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The objection that the rule checks for.
    pub rule: ExceptionKind,
    /// What the rule wants, in plain words.
    pub wanted: &'static str,
    pub found: Found,
    /// Details of the result.
    pub detail: Option<String>,
}

/// One person's approval with the rules applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedApproval {
    pub user: User,
    /// When it was given, if known.
    pub since: Option<Timestamp>,
    pub in_api: bool,
    /// The received events show it.
    pub in_history: bool,
    pub valid: bool,
    pub checks: Vec<Check>,
}

/// The basis of a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Security labels set at the merge.
    pub labels_at_merge: Vec<String>,
    /// Security labels set at any time before it.
    pub labels_ever: Vec<String>,
    /// Approvals, by user id; none if GitLab did not answer.
    pub approvals: Vec<ExplainedApproval>,
    /// Valid approvals that the rules require; `None` if they do not name the instance.
    pub needed: Option<usize>,
    /// Where GitLab's answer and the received events differ.
    pub differences: Vec<String>,
    /// Why GitLab did not answer.
    pub no_answer: Option<String>,
}

/// Explains the result of [`crate::evaluate`] for the same facts and rules.
#[must_use]
pub fn explain(facts: &Facts, rules: &Rules) -> Explanation {
    // 1. The labels, by every source.
    let sources = Sources::of(facts);
    let labels = of_sources(rules, &sources);
    let mut explanation = Explanation {
        labels_at_merge: labels.at_merge,
        labels_ever: labels.ever,
        approvals: Vec::new(),
        needed: rules
            .approvers(&facts.merge_request.instance)
            .map(|approvers| approvers.minimum),
        differences: Vec::new(),
        no_answer: match &facts.api {
            GitLabAnswer::Full(_) => None,
            GitLabAnswer::LabelsOnly(_) => {
                Some("no source shows a security label, so nothing more was read".to_owned())
            }
            GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) | GitLabAnswer::NotMerged(unread) => {
                Some(unread.because.clone())
            }
        },
    };
    // 2. The approvals, which only a full answer can prove.
    let GitLabAnswer::Full(api) = &facts.api else {
        return explanation;
    };
    let case = MergeCase::new(facts, api, rules, sources.history);
    for record in case.records() {
        let checked = CheckedApproval::new(record, &case);
        let name = &checked.record.user.username;
        let (in_api, in_history) = (checked.record.listed.is_some(), !checked.record.seen.is_empty());
        match (in_api, in_history) {
            (true, false) => explanation
                .differences
                .push(format!("GitLab lists the approval of {name}; no event reported it")),
            (false, true) => explanation.differences.push(format!(
                "events reported an approval of {name}; GitLab does not list it"
            )),
            _ => {}
        }
        explanation.approvals.push(ExplainedApproval {
            user: checked.record.user.clone(),
            since: checked.record.shown_at(),
            in_api,
            in_history,
            valid: checked.is_valid(),
            checks: checked
                .outcomes()
                .iter()
                .map(|(rule, outcome)| check(*rule, outcome))
                .collect(),
        });
    }
    explanation
}

fn check(rule: ExceptionKind, outcome: &CheckOutcome) -> Check {
    let (found, detail) = match outcome {
        CheckOutcome::Clear => (Found::Clear, None),
        CheckOutcome::Holds(detail) => (Found::Against, Some(detail.clone())),
        CheckOutcome::Unknown(detail) => (Found::Unknown, Some(detail.clone())),
    };
    Check {
        rule,
        wanted: wanted(rule),
        found,
        detail,
    }
}

fn wanted(rule: ExceptionKind) -> &'static str {
    match rule {
        ExceptionKind::LabelRemovedBeforeMerge => "a security label is set at the merge",
        ExceptionKind::ApprovalRevoked => "the approval was not revoked or reset before the merge",
        ExceptionKind::ApprovedOtherCommit => "the code did not change after the approval",
        ExceptionKind::SelfApproved => "the approver is not the author",
        ExceptionKind::CommitterApproved => "the approver pushed no commits, if the rules exclude committers",
        ExceptionKind::BotApproved => "the approver is a person",
        ExceptionKind::ApproverNotEligible => "the approver belongs to the security team",
        ExceptionKind::ApprovedAfterMerge => "the approval came before the merge",
        ExceptionKind::InsufficientApprovals => "there are as many valid approvals as the rules require",
        ExceptionKind::NoApproval => "there is an approval",
        ExceptionKind::Unverified => "both sources leave no doubt",
    }
}

#[cfg(test)]
mod tests {
    use model::{EventAction, HistoryEvent};

    use super::*;
    use crate::testing::{ALICE, AUTHOR, BOB, Life};

    #[test]
    fn each_check_lists_wanted_and_found_per_approval() {
        let life = Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .approved_by(AUTHOR, "10:05:00");
        let explanation = explain(&life.facts(), &life.rules);
        assert_eq!(explanation.approvals.len(), 2);
        let by = |id: i64| {
            explanation
                .approvals
                .iter()
                .find(|approval| approval.user.id.0 == id)
                .unwrap()
        };
        assert!(by(ALICE).valid && !by(AUTHOR).valid);
        assert!(by(ALICE).checks.iter().all(|check| check.found == Found::Clear));
        let against: Vec<_> = by(AUTHOR)
            .checks
            .iter()
            .filter(|check| check.found == Found::Against)
            .collect();
        assert_eq!(against[0].rule, ExceptionKind::SelfApproved);
        assert_eq!(against[0].wanted, "the approver is not the author");
        assert!(against[0].detail.as_deref().unwrap().contains("author"));
        assert!(
            explanation
                .differences
                .iter()
                .any(|text| text.contains("no event reported it"))
        );
        assert_eq!(explanation.labels_at_merge, ["security::high"]);
    }

    #[test]
    fn approval_missing_at_gitlab_is_a_difference() {
        let life = Life::labelled().seen(BOB, "10:00:00", Some(true));
        let explanation = explain(&life.facts(), &life.rules);
        assert_eq!(
            explanation.differences,
            ["events reported an approval of bob; GitLab does not list it"]
        );
    }

    #[test]
    fn without_an_answer_it_says_why() {
        let life = Life::labelled();
        let facts = Facts {
            api: GitLabAnswer::Denied("404".to_owned().into()),
            history: vec![HistoryEvent {
                labels: vec!["security::high".into()],
                ..life.event(EventAction::Open, AUTHOR, "08:00:00")
            }],
            ..life.facts()
        };
        let explanation = explain(&facts, &life.rules);
        assert_eq!(explanation.no_answer.as_deref(), Some("404"));
        assert_eq!(explanation.labels_ever, ["security::high"]);
    }

    #[test]
    fn it_calls_valid_exactly_what_the_verdict_counts() {
        let lives = [
            Life::labelled().approved_by(ALICE, "10:00:00"),
            Life::labelled()
                .approved_by(ALICE, "10:00:00")
                .taken_back_by(ALICE, "11:00:00"),
            Life::labelled().members_unreadable().approved_by(ALICE, "10:00:00"),
        ];
        for life in lives {
            let valid = explain(&life.facts(), &life.rules)
                .approvals
                .iter()
                .filter(|approval| approval.valid)
                .count();
            let approved = matches!(life.verdict().outcome, model::VerdictOutcome::Approved { .. });
            assert_eq!(valid > 0, approved);
        }
    }
}
