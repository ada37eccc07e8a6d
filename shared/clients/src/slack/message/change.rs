//! The reply to an alert: what a later decision changed about the exception, why, and what to do. Complete without the alert.

use jiff::Timestamp;
use model::{ExceptionKind, ExceptionStatus, Proof, SecurityReviewException, Verdict, VerdictOutcome};
use rules::Wording;
use serde_json::json;
use uuid::Uuid;

use super::exception::{AlertMark, details, person, title};
use super::{SlackMessage, date, limit, markdown, section};
use crate::slack::escape;

/// Most approvals that are listed; the decision's row has all.
const MOST_APPROVALS: usize = 5;

/// One change of an exception.
#[derive(Debug, Clone)]
pub struct ReportedChange<'a> {
    /// The exception as it is now.
    pub exception: &'a SecurityReviewException,
    /// The decision that changed it.
    pub decision: ReportedDecision<'a>,
    /// The decision that this one superseded, if it is known.
    pub before: Option<ReportedDecision<'a>>,
    /// A later decision changed the exception again, and another message reports that.
    pub is_changed_again: bool,
}

/// A decision on a merge.
#[derive(Debug, Clone, Copy)]
pub struct ReportedDecision<'a> {
    pub id: Uuid,
    pub verdict: &'a Verdict,
    /// GitLab answered every needed read.
    pub confirmed: bool,
    /// When it was made.
    pub decided_at: Timestamp,
}

/// Where the reply is, relative to the alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyLocation {
    /// In the alert's thread.
    Thread,
    /// In the channel: the alert was deleted, or it accepts no edit or no reply.
    Channel,
    /// In another channel than the alert.
    OtherChannel,
}

/// How the decision changed the exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Withdrawn {
        from: Option<ExceptionKind>,
    },
    OpenAgain {
        because: &'static str,
        to: ExceptionKind,
    },
    Other {
        from: Option<ExceptionKind>,
        to: ExceptionKind,
    },
}

impl ReportedChange<'_> {
    fn turn(&self) -> Turn {
        let before = self.before.map(|before| before.verdict.exception());
        match (before, self.decision.verdict.exception()) {
            (from, None) => Turn::Withdrawn { from: from.flatten() },
            (Some(None), Some(to)) => Turn::OpenAgain {
                because: self.before.map_or("", |before| cleared(&before.verdict.outcome)),
                to,
            },
            (from, Some(to)) => Turn::Other {
                from: from.flatten(),
                to,
            },
        }
    }

    /// How the alert is marked, by the exception's current state.
    #[must_use]
    pub fn mark(&self) -> AlertMark {
        match self.turn() {
            _ if self.exception.status == ExceptionStatus::Withdrawn => AlertMark::Withdrawn,
            Turn::OpenAgain { .. } if !self.is_changed_again => AlertMark::OpenAgain,
            _ => AlertMark::Corrected,
        }
    }
}

/// The reply. `wording` is the operator's text; everything else is sanitized. `effect_key` goes into the metadata.
#[must_use]
pub fn exception_reply(
    change: &ReportedChange<'_>,
    place: ReplyLocation,
    wording: &Wording,
    channel: &str,
    effect_key: &str,
) -> SlackMessage {
    let exception = change.exception;
    let key = &exception.merge_request;
    let headline = headline(change.turn());
    let link = escape::escape_link(&exception.url, title(exception), 1500);
    let name = format!(
        "{} !{}",
        escape::escape_markdown(&exception.project_path, 300),
        key.mr_iid
    );
    let (changed, why) = (changed(change, wording), why(change));
    let mut blocks = vec![
        section(format!("*{headline}*\n{link} ({name})")),
        section(format!("*What changed*\n{changed}")),
        section(format!("*Why*\n{why}")),
        section(format!("*What to do*\n{}", advice(change, wording))),
    ];
    blocks.extend(remark(place).map(|remark| json!({"type": "context", "elements": [markdown(remark)]})));
    blocks.push(json!({"type": "context", "elements": [markdown(context(change))]}));
    let payload = json!({
        "key": effect_key,
        "exception_id": exception.id.to_string(),
        "decision_id": change.decision.id.to_string(),
        "project_id": key.project_id.0,
        "mr_iid": key.mr_iid.0,
    });
    let text = format!(
        "{headline}. {} ({name}). {} {}",
        escape::escape_markdown(title(exception), 300),
        changed.replace('\n', " "),
        why.replace('\n', " "),
    );
    SlackMessage::new(channel, escape::cut(&text, limit::TEXT), blocks, &payload)
}

fn headline(turn: Turn) -> &'static str {
    match turn {
        Turn::Withdrawn { .. } => "Withdrawn: this merge is no longer an exception",
        Turn::OpenAgain { .. } => "Open again: this merge is an exception after all",
        Turn::Other { from: Some(from), to } if from == to => "Corrected: the details of this exception have changed",
        Turn::Other { .. } => "Corrected: the reason for this exception has changed",
    }
}

/// Why an exception was withdrawn, as the end of a sentence.
fn cleared(outcome: &VerdictOutcome) -> &'static str {
    match outcome {
        VerdictOutcome::Approved { .. } => " because a valid approval was found",
        VerdictOutcome::Declassified => " because an eligible approver had removed the security label before the merge",
        VerdictOutcome::NotCarried => " because no security label was found",
        VerdictOutcome::Exception { .. } | VerdictOutcome::Pending { .. } => "",
    }
}

/// The old kind and the new one, each in words.
fn changed(change: &ReportedChange<'_>, wording: &Wording) -> String {
    let named = |kind: ExceptionKind| {
        let why = escape::cut(wording.why(kind), limit::SECTION / 3);
        format!("`{}`: {why}", kind.as_str())
    };
    let was = |kind: ExceptionKind| format!("The exception was recorded as {}\n", named(kind));
    let (was, now) = match change.turn() {
        Turn::Withdrawn { from } => (from.map(was), "It is now withdrawn.".to_owned()),
        Turn::OpenAgain { because, to } => {
            let was = format!("The exception was withdrawn{because}.\n");
            (Some(was), format!("It is now open again, as {}", named(to)))
        }
        Turn::Other { from: Some(from), to } if from == to => {
            (None, format!("The exception is still recorded as {}", named(to)))
        }
        Turn::Other { from, to } => (from.map(was), format!("It is now recorded as {}", named(to))),
    };
    let status = match change.turn() {
        Turn::Other { .. } if !change.is_changed_again => {
            format!("\nIts status remains {}.", change.exception.status.as_str())
        }
        _ => String::new(),
    };
    was.unwrap_or_default() + &now + &status
}

fn why(change: &ReportedChange<'_>) -> String {
    let verdict = change.decision.verdict;
    let explanation = match &verdict.outcome {
        VerdictOutcome::Approved { proof } => approved(verdict, *proof),
        VerdictOutcome::Declassified => {
            "No approval was needed: an eligible approver removed the security label before the merge.".to_owned()
        }
        VerdictOutcome::NotCarried => {
            "No approval was needed: the merge request had no security label up to its merge.".to_owned()
        }
        // A pending verdict is never stored.
        VerdictOutcome::Exception { .. } | VerdictOutcome::Pending { .. } => String::new(),
    };
    let source = match (change.before, change.decision.confirmed) {
        (Some(ReportedDecision { confirmed: false, .. }), true) => {
            "GitLab's answer was incomplete when the earlier decision was made. It is complete now."
        }
        (Some(ReportedDecision { confirmed: false, .. }), false) => {
            "GitLab's answer has more data than when the earlier decision was made, but is still incomplete."
        }
        _ => "New information arrived after the earlier decision.",
    };
    let separator = if explanation.is_empty() { "" } else { " " };
    format!("{explanation}{separator}{source}{}", details(&verdict.reasons))
}

/// Who approved, and which source shows it.
fn approved(verdict: &Verdict, proof: Proof) -> String {
    let valid: Vec<_> = verdict
        .approvals
        .iter()
        .filter(|seen| seen.against.is_empty())
        .collect();
    let mut names: Vec<String> = valid
        .iter()
        .take(MOST_APPROVALS)
        .map(|seen| {
            let name = escape::escape_markdown(&person(Some(&seen.user)), 100);
            let at = seen.approved_at.map(|at| format!(" at {at:.0}"));
            name + &at.unwrap_or_default()
        })
        .collect();
    if valid.len() > MOST_APPROVALS {
        names.push(format!("{} more", valid.len() - MOST_APPROVALS));
    }
    let approvals = match names.as_slice() {
        [] => "the required approvals".to_owned(),
        [one] => format!("an approval by {one}"),
        [first @ .., last] => format!("approvals by {} and {last}", first.join(", ")),
    };
    let source = match proof {
        Proof::Api => "GitLab now confirms",
        Proof::Both => "GitLab and the recorded events now confirm",
    };
    format!("Approved after all: {source} {approvals}.")
}

fn advice(change: &ReportedChange<'_>, wording: &Wording) -> String {
    if change.is_changed_again {
        return "No action is needed: a later decision changed the exception again, and another message reports it."
            .to_owned();
    }
    match (change.turn(), change.exception.status) {
        (Turn::Withdrawn { .. }, _) => {
            "No action is needed. A review that was started because of the alert can end.".to_owned()
        }
        (Turn::Other { .. }, ExceptionStatus::Acknowledged) => {
            "Check that the review covers the new reason.".to_owned()
        }
        (Turn::Other { .. }, ExceptionStatus::Closed) => {
            "Check that the closed review covers the new reason, and record your findings.".to_owned()
        }
        (Turn::OpenAgain { .. } | Turn::Other { .. }, _) => escape::cut(&wording.advice, limit::SECTION / 2),
    }
}

fn remark(place: ReplyLocation) -> Option<&'static str> {
    match place {
        ReplyLocation::Thread => None,
        ReplyLocation::Channel => {
            Some("The alert of this exception was deleted, or it cannot be edited or replied to.")
        }
        ReplyLocation::OtherChannel => Some("The alert of this exception is in another channel."),
    }
}

fn context(change: &ReportedChange<'_>) -> String {
    let text = format!(
        "Exception {} · decision {} · decided {}",
        change.exception.id,
        change.decision.id,
        date(change.decision.decided_at),
    );
    escape::cut(&text, limit::CONTEXT)
}

#[cfg(test)]
mod tests;
