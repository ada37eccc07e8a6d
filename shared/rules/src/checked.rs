//! One approval with the results of all checks.

use model::{ApprovalSeen, ExceptionKind, Reason};

use crate::approval::{ApprovalRecord, SeenApproval};
use crate::case::{CheckOutcome, MergeCase};
use crate::checks::{self, approval_revoked, unverified};
use crate::time::Order;

/// One approval with the results of all checks.
pub(crate) struct CheckedApproval<'a> {
    pub(crate) record: ApprovalRecord<'a>,
    outcomes: Vec<(ExceptionKind, CheckOutcome)>,
    /// GitLab lists it although an event shows its revocation; a read newer than the event must confirm one of them.
    pub(crate) revocation_open: Option<jiff::Timestamp>,
    /// The same, and such a read still lists it.
    pub(crate) revocation_not_confirmed: bool,
}

impl<'a> CheckedApproval<'a> {
    pub(crate) fn new(record: ApprovalRecord<'a>, case: &MergeCase<'_>) -> Self {
        let outcomes = checks::all(&record, case);
        let contradictions = approval_revoked::contradictions(&record, case);
        // The next read that settles one: a stream of further reports must not postpone it.
        let open = contradictions.iter().copied().filter(|due| case.api.read_at < *due);
        Self {
            revocation_open: open.min().filter(|_| !case.deadline_passed),
            revocation_not_confirmed: !contradictions.is_empty(),
            record,
            outcomes,
        }
    }

    /// The result of every check, in order of precedence.
    pub(crate) fn outcomes(&self) -> &[(ExceptionKind, CheckOutcome)] {
        &self.outcomes
    }

    fn is_clear(&self) -> bool {
        self.outcomes.iter().all(|(_, outcome)| *outcome == CheckOutcome::Clear)
    }

    /// Valid only if GitLab lists it, no check objects and nothing about it is unknown.
    pub(crate) fn is_valid(&self) -> bool {
        self.record.listed.is_some() && self.is_clear()
    }

    /// Not valid, but without objection: GitLab does not list what the events show, or something about it is unknown.
    pub(crate) fn may_be_valid(&self) -> bool {
        let holds = |(_, outcome): &(ExceptionKind, CheckOutcome)| matches!(outcome, CheckOutcome::Holds(_));
        !self.is_valid() && !self.record.only_after_merge() && !self.outcomes.iter().any(holds)
    }

    /// The code is the only possible objection.
    pub(crate) fn is_of_other_commit(&self) -> bool {
        let mut others = self
            .outcomes
            .iter()
            .filter(|(kind, _)| *kind != ExceptionKind::ApprovedOtherCommit);
        self.record.listed.is_some() && others.all(|(_, outcome)| *outcome == CheckOutcome::Clear)
    }

    /// Only the event history shows it, and its order against the merge is unknown: then no kind may be named.
    fn is_unordered(&self) -> bool {
        let before = |seen: &SeenApproval| seen.by_state == Order::Before;
        self.record.listed.is_none() && self.record.in_history() && !self.record.seen.iter().any(before)
    }

    fn against(&self) -> Vec<ExceptionKind> {
        if self.is_unordered() {
            return vec![ExceptionKind::Unverified];
        }
        let holding = self
            .outcomes
            .iter()
            .filter(|(_, outcome)| matches!(outcome, CheckOutcome::Holds(_)));
        let mut against: Vec<ExceptionKind> = holding.map(|(kind, _)| *kind).collect();
        if against.is_empty() && !self.is_valid() {
            against.push(ExceptionKind::Unverified);
        }
        against
    }

    pub(crate) fn seen(&self) -> ApprovalSeen {
        ApprovalSeen {
            user: self.record.user.clone(),
            approved_at: self.record.shown_at(),
            in_api: self.record.listed.is_some(),
            in_history: !self.record.seen.is_empty(),
            against: self.against(),
        }
    }

    /// The reasons of this approval: what applies; else what is unknown; else that GitLab does not list it. An approval that only
    /// the events show, and only after the merge, adds nothing: acts after the merge change no kind.
    pub(crate) fn reasons(&self) -> Vec<Reason> {
        if self.is_valid() || self.record.only_after_merge() {
            return Vec::new();
        }
        if self.is_unordered() {
            return vec![unverified::unordered(&self.record)];
        }
        let holding = self.outcomes.iter().filter_map(|(kind, outcome)| match outcome {
            CheckOutcome::Holds(detail) => Some(Reason {
                kind: *kind,
                detail: detail.clone(),
            }),
            CheckOutcome::Clear | CheckOutcome::Unknown(_) => None,
        });
        let holding: Vec<Reason> = holding.collect();
        if holding.is_empty() {
            unverified::reasons(&self.record, &self.outcomes)
        } else {
            holding
        }
    }
}
