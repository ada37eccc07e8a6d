//! One approval act with everything that the rules found about it.

use model::{ApprovalSeen, Kind, Reason};

use crate::act::Act;
use crate::case::{Case, Finding};
use crate::findings::{self, unverified};

/// One act with everything that the rules found about it.
pub(crate) struct Judged<'a> {
    pub(crate) act: Act<'a>,
    findings: Vec<(Kind, Finding)>,
}

impl<'a> Judged<'a> {
    pub(crate) fn new(act: Act<'a>, case: &Case<'_>) -> Self {
        let findings = findings::all(&act, case);
        Self { act, findings }
    }

    /// What every rule found, in order of precedence.
    pub(crate) fn findings(&self) -> &[(Kind, Finding)] {
        &self.findings
    }

    /// Only what the API lists can be an approval, and only if nothing is against it and nothing about it is unknown.
    pub(crate) fn is_valid(&self) -> bool {
        self.act.api.is_some() && self.findings.iter().all(|(_, finding)| *finding == Finding::Clear)
    }

    fn against(&self) -> Vec<Kind> {
        let holding = self
            .findings
            .iter()
            .filter(|(_, finding)| matches!(finding, Finding::Holds(_)));
        let mut against: Vec<Kind> = holding.map(|(kind, _)| *kind).collect();
        if against.is_empty() && !self.is_valid() {
            against.push(Kind::Unverified);
        }
        against
    }

    pub(crate) fn seen(&self, case: &Case<'_>) -> ApprovalSeen {
        ApprovalSeen {
            user: self.act.user.clone(),
            approved_at: self.act.since(case.merged_at()),
            in_api: self.act.api.is_some(),
            in_history: !self.act.history.is_empty(),
            against: self.against(),
        }
    }

    /// What this act adds to the reasons: what holds; else what is unknown; else that the API does not list it.
    pub(crate) fn reasons(&self, case: &Case<'_>) -> Vec<Reason> {
        let of = |kind: Kind, detail: &String| Reason {
            kind,
            detail: detail.clone(),
        };
        let holding = self.findings.iter().filter_map(|(kind, finding)| match finding {
            Finding::Holds(detail) => Some(of(*kind, detail)),
            Finding::Clear | Finding::Unknown(_) => None,
        });
        let holding: Vec<Reason> = holding.collect();
        if !holding.is_empty() || self.is_valid() {
            return holding;
        }
        unverified::reasons(&self.act, &self.findings, case)
    }
}
