//! The consequence of a read or an event: decide, wait, read again, or nothing. Pure, so that any history can be tested.

use jiff::{SignedDuration, Timestamp};
use model::{Facts, GitLabAnswer, HistoryEvent, Verdict, VerdictOutcome};

use crate::case::MergeCase;
use crate::{Rules, evaluate, further_reading_at, is_confirmed};

/// The current decision on a merge.
#[derive(Debug, Clone, Copy)]
pub struct CurrentDecision<'a> {
    pub facts: &'a Facts,
    pub verdict: &'a Verdict,
    /// Whether it is confirmed, and so frozen.
    pub confirmed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    Decide {
        verdict: Box<Verdict>,
        /// Every needed read was answered.
        confirmed: bool,
    },
    /// Nothing is decided yet: GitLab is read again until the deadline.
    Wait {
        because: String,
        /// Not before this time; `None`: as soon as the schedule allows.
        not_before: Option<Timestamp>,
    },
    /// The current decision remains, and GitLab is read again.
    Reread {
        because: String,
        /// Not before this time; `None`: as soon as the schedule allows.
        not_before: Option<Timestamp>,
    },
    /// The deadline has passed and GitLab does not show the merge: nothing is decided, and GitLab is read again.
    Denied { because: String },
    /// The current decision remains; GitLab need not be read again.
    Unchanged,
}

/// The consequence of a new read of GitLab, which is in `facts`.
///
/// Only a confirmed decision supersedes a confirmed one. A read that leaves an unconfirmed decision unconfirmed appends nothing,
/// even if it differs.
#[must_use]
pub fn after_reading(facts: &Facts, current: Option<CurrentDecision<'_>>, rules: &Rules) -> Ruling {
    let verdict = evaluate(facts, rules);
    let confirmed = is_confirmed(facts, rules);
    if let VerdictOutcome::Pending { because } = &verdict.outcome {
        let because = because.clone();
        let not_before = further_reading_at(facts, rules, Timestamp::MIN).filter(|at| *at > Timestamp::MIN);
        return match (&facts.api, current) {
            (_, Some(_)) => Ruling::Reread { because, not_before },
            (GitLabAnswer::NotMerged(_), None) if facts.deadline_passed => Ruling::Denied { because },
            (_, None) => Ruling::Wait { because, not_before },
        };
    }
    match current {
        Some(_) if !confirmed => Ruling::Reread {
            because: format!("GitLab still could not be read completely: {}", missing(facts)),
            not_before: None,
        },
        Some(current) if current.confirmed && *current.verdict == verdict => Ruling::Unchanged,
        _ => Ruling::Decide {
            verdict: Box::new(verdict),
            confirmed,
        },
    }
}

/// The consequence of a new event on a decided merge: `facts` are those of the decision with the current history.
///
/// `rules` are those of the decision, so that a change of rules alone never reopens a decision.
#[must_use]
pub fn after_event(facts: &Facts, current: CurrentDecision<'_>, rules: &Rules, now: Timestamp) -> Ruling {
    if !current.confirmed {
        return Ruling::Reread {
            because: "an event arrived for an unconfirmed decision".to_owned(),
            not_before: None,
        };
    }
    if let Some(at) = further_reading_at(facts, rules, now)
        && further_reading_at(current.facts, rules, now).is_none_or(|known| known < at)
    {
        return Ruling::Reread {
            because: "an event contradicts the answer that the decision is based on".to_owned(),
            not_before: Some(at),
        };
    }
    // Both with the same code: the stored verdict may be from an earlier evaluator.
    let before = evaluate(&settled(current.facts), rules);
    if evaluate(&settled(&without_late_acts(facts, current.facts, rules)), rules) == before {
        return Ruling::Unchanged;
    }
    let verdict = evaluate(&settled(facts), rules);
    if verdict == before || matches!(verdict.outcome, VerdictOutcome::Pending { .. }) {
        return Ruling::Unchanged;
    }
    Ruling::Decide {
        verdict: Box::new(verdict),
        confirmed: true,
    }
}

/// Without the new events that report acts from after the merge: those are reported and change no decision.
fn without_late_acts(facts: &Facts, known: &Facts, rules: &Rules) -> Facts {
    let GitLabAnswer::Full(api) = &facts.api else {
        return facts.clone();
    };
    let case = MergeCase::new(facts, api, rules, Vec::new());
    let kept = |event: &&HistoryEvent| known.history.contains(event) || !case.is_after_merge(event);
    Facts {
        history: facts.history.iter().filter(kept).cloned().collect(),
        ..facts.clone()
    }
}

/// The answer is available, so there is no deadline to wait for.
fn settled(facts: &Facts) -> Facts {
    Facts {
        deadline_passed: true,
        ..facts.clone()
    }
}

/// When an unconfirmed decision is re-read after `attempts` reads: 1, 5, 30 min, then hourly for a day, then daily. `None`: its
/// time is over.
#[must_use]
pub fn reread_at(first_seen_at: Timestamp, attempts: i32, now: Timestamp, give_up_at: Timestamp) -> Option<Timestamp> {
    let wait = match attempts {
        i32::MIN..=0 => SignedDuration::from_mins(1),
        1 => SignedDuration::from_mins(5),
        2 => SignedDuration::from_mins(30),
        _ if now.duration_since(first_seen_at) < SignedDuration::from_hours(24) => SignedDuration::from_hours(1),
        _ => SignedDuration::from_hours(24),
    };
    Some(crate::time::plus(now, wait)).filter(|at| *at <= give_up_at)
}

/// How long an unconfirmed decision is re-read: 30 days, or 7 if GitLab has never shown the merge request.
#[must_use]
pub fn give_up_at(first_seen_at: Timestamp, shown: bool) -> Timestamp {
    let days = if shown { 30 } else { 7 };
    crate::time::plus(first_seen_at, SignedDuration::from_hours(24 * days))
}

/// A merge first seen this long after it happened is from before the watch began: reconciliation or a backfill decides it.
pub const BEFORE_WATCH: SignedDuration = SignedDuration::from_hours(7 * 24);

fn missing(facts: &Facts) -> &str {
    match &facts.api {
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) | GitLabAnswer::NotMerged(unread) => {
            &unread.because
        }
        GitLabAnswer::Full(_) | GitLabAnswer::LabelsOnly(_) => "a part of the answer is withheld",
    }
}
