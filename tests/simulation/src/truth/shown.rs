//! What readings and events had shown the flow by an instant.

use model::{GitLabAnswer, HistoryEvent, MergeRequestDetails, Reading};

use super::is_merge;
use super::real::Truth;
use crate::Person;
use crate::clock::{MINUTE, SECOND, timestamp};
use crate::gitlab::Given;
use crate::ledger::{Decided, Received, Record};
use crate::setting::Profile;

/// What had been seen by an instant.
pub(super) struct Shown<'a> {
    pub(super) truth: Truth<'a>,
    pub(super) record: &'a Record,
    pub(super) until: i64,
}

impl<'a> Shown<'a> {
    pub(super) fn until(truth: Truth<'a>, record: &'a Record, until: i64) -> Self {
        Self { truth, record, until }
    }

    /// Events with trusted content.
    pub(super) fn events(&self) -> impl Iterator<Item = &'a Received> {
        let until = self.until;
        let events = self.record.received.iter();
        events.filter(move |received| received.at <= until && !received.event.stale)
    }

    pub(super) fn any_cut(&self) -> bool {
        self.events().any(|received| received.event.labels_truncated)
    }

    pub(super) fn readings(&self) -> impl Iterator<Item = &'a crate::api::Reading> {
        let until = self.until;
        let readings = self.record.readings.iter();
        readings
            .filter(move |(mode, reading)| is_merge(*mode) && reading.at <= until)
            .map(|(_, reading)| reading)
    }

    /// Complete answers about the merge without lag.
    pub(super) fn whole_answers(&self) -> impl Iterator<Item = &'a MergeRequestDetails> {
        let profile = self.truth.world.setting.profile;
        self.readings()
            .filter(|reading| reading.fresh)
            .filter_map(move |reading| match &reading.answer {
                GitLabAnswer::Full(answer) if is_whole(answer, profile) => Some(&**answer),
                _ => None,
            })
    }

    pub(super) fn whole_answer(&self) -> Option<&'a MergeRequestDetails> {
        self.whole_answers().next()
    }

    /// How many valid approvals a whole answer lists with nothing unknown about them.
    pub(super) fn valid_listed(&self) -> usize {
        let valid = self.truth.valid();
        let counted = |answer: &MergeRequestDetails| {
            let listed = |given: &&Given| self.lists(answer, given) && self.truth.is_clear(given.by, given.at, self);
            valid.iter().filter(listed).count()
        };
        self.whole_answers().map(counted).max().unwrap_or(0)
    }

    fn lists(&self, answer: &MergeRequestDetails, given: &Given) -> bool {
        let world = self.truth.world;
        let approval = answer
            .approvals
            .iter()
            .find(|approval| approval.user.id == given.by.id());
        match approval {
            None => false,
            Some(approval) if approval.approved_at.is_some() => {
                approval.approved_at == Some(timestamp(world.shown(given.at)))
            }
            // Without a time only an event dates it, and only if nothing else makes it uncertain.
            Some(_) => {
                let one_version = matches!(&answer.versions, Reading::Known(versions) if versions.len() == 1);
                let contradicted = self.events().any(|received| received.event.action.is_revocation());
                let own: Vec<_> = self
                    .events()
                    .filter(|received| is_approval_by(&received.event, given.by))
                    .collect();
                // The interval is widened by the clock offset on both sides.
                let slack = 10 * SECOND + 2 * world.setting.clock_offset_ms.abs();
                let timed = |received: &&Received| received.at + slack < self.truth.merged_at();
                let by_member = |received: &&Received| received.event.eligible != Some(false);
                one_version && !contradicted && !own.is_empty() && own.iter().all(|own| timed(own) && by_member(own))
            }
        }
    }

    /// How many valid approvals the decision's own answer or an event shows, so that no kind may be named.
    pub(super) fn valid_seen(&self, decided: &Decided) -> usize {
        let listed: &[model::Approval] = match &decided.facts.api {
            GitLabAnswer::Full(answer) => &answer.approvals,
            _ => &[],
        };
        let seen = |given: &&Given| {
            let at = Some(timestamp(self.truth.world.shown(given.at)));
            let in_answer = listed
                .iter()
                .any(|approval| approval.user.id == given.by.id() && approval.approved_at == at);
            let in_events = self.events().any(|received| {
                is_approval_by(&received.event, given.by)
                    && received.done_at == given.at
                    && received.event.eligible == Some(true)
                    && received.event.state.as_deref() == Some("opened")
            });
            in_answer || in_events
        };
        self.truth.valid().iter().filter(seen).count()
    }

    /// Whether a reset by GitLab, or a revocation of an earlier approval, counts by design although it removed another approval:
    /// GitLab does not list the approval with its time.
    pub(super) fn reset_counts(&self) -> bool {
        self.events().any(|received| received.event.action.is_revocation())
    }

    /// Whether any source shows an approval from before the merge.
    pub(super) fn any_approval(&self) -> bool {
        let merged_at = self.truth.merged_at();
        let timed = self.truth.world.setting.version.has_actioned_at();
        let in_events = self.events().any(|received| {
            let event = &received.event;
            let ordered = timed || event.state.as_deref() == Some("opened") || received.at <= merged_at + MINUTE;
            event.action.is_approval() && received.done_at <= merged_at && ordered
        });
        in_events || self.whole_answers().any(|answer| !answer.approvals.is_empty())
    }

    pub(super) fn is_membership_read(&self, by: Person, at: i64) -> bool {
        self.events().any(|received| {
            received.event.actor.as_ref().is_some_and(|actor| actor.id == by.id())
                && received.event.eligible == Some(self.truth.is_eligible(by, at))
                && received.done_at == at
                && (received.at - at).abs() < 9 * MINUTE
        })
    }
}

pub(super) fn is_approval_by(event: &HistoryEvent, person: Person) -> bool {
    event.action.is_approval() && !event.system && event.actor.as_ref().is_some_and(|actor| actor.id == person.id())
}

fn is_whole(answer: &MergeRequestDetails, profile: Profile) -> bool {
    answer.state.as_deref() == Some("merged")
        && answer.label_events.known().is_some()
        && answer.versions.known().is_some()
        && answer.eligible_now.known().is_some()
        && answer.bots_unknown.is_empty()
        && (profile != Profile::NoCommitters || answer.committers.known().is_some())
        && (profile != Profile::WithRule || answer.rule_approvers.known().is_some())
}
