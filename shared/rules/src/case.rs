//! One merge before the checks: the facts with GitLab's answer, and every approval that either source shows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Approval, EventAction, Facts, HistoryEvent, MergeRequestDetails, OccurredAtSource, User, UserId};

use crate::approval::{ApprovalRecord, Revocation, SeenApproval};
use crate::time::{Interval, Order, order_to_merge, plus};
use crate::{Approvers, Rules};

/// What one check found about one approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CheckOutcome {
    Clear,
    /// The objection applies; the text contains who and when.
    Holds(String),
    /// Unknown; then the approval is not valid either.
    Unknown(String),
}

/// Approval records by user.
type Records<'a> = BTreeMap<UserId, ApprovalRecord<'a>>;

fn record_of<'r, 'a>(records: &'r mut Records<'a>, user: &'a User) -> &'r mut ApprovalRecord<'a> {
    records.entry(user.id).or_insert_with(|| ApprovalRecord::new(user))
}

pub(crate) struct MergeCase<'a> {
    /// Who may approve; `None`: the rules do not name the instance, so no approver is known.
    pub(crate) approvers: Option<&'a Approvers>,
    pub(crate) instance: &'a str,
    pub(crate) verify_deadline_minutes: u32,
    pub(crate) api: &'a MergeRequestDetails,
    /// No further read is waited for.
    pub(crate) deadline_passed: bool,
    /// Trusted history, oldest first; ties in a fixed order, so that the order of arrival does not matter.
    pub(crate) history: Vec<&'a HistoryEvent>,
    earlier: &'a model::EarlierFacts,
}

impl<'a> MergeCase<'a> {
    pub(crate) fn new(
        facts: &'a Facts,
        api: &'a MergeRequestDetails,
        rules: &'a Rules,
        history: Vec<&'a HistoryEvent>,
    ) -> Self {
        Self {
            approvers: rules.approvers(&facts.merge_request.instance),
            instance: &facts.merge_request.instance,
            verify_deadline_minutes: rules.verify_deadline_minutes,
            api,
            deadline_passed: facts.deadline_passed,
            history,
            earlier: &facts.earlier,
        }
    }

    pub(crate) fn merged_at(&self) -> Timestamp {
        self.api.merge.merged_at
    }

    pub(crate) fn interval(&self, event: &HistoryEvent) -> Interval {
        Interval::of(event, self.api.clock_offset_seconds)
    }

    /// Whether an event is from after the merge.
    pub(crate) fn is_after_merge(&self, event: &HistoryEvent) -> bool {
        event.action.is_approval() && self.order_of_approval(event) == Order::After
            || event.action.is_revocation() && self.order_to_merge(event) == Order::After
    }

    pub(crate) fn order_to_merge(&self, event: &HistoryEvent) -> Order {
        order_to_merge(event, self.interval(event), self.merged_at())
    }

    /// The order of an approval. A hook with state `merged` that came long after the merge reports an approval after it: GitLab
    /// builds a hook within seconds of its act, even if its time is older. Revocations have no such rule: in doubt GitLab is read
    /// again.
    fn order_of_approval(&self, event: &HistoryEvent) -> Order {
        let order = self.order_to_merge(event);
        let late = event.occurred_at_source != Some(OccurredAtSource::ActionedAt)
            && event
                .received_at
                .is_some_and(|at| at > plus(self.merged_at(), crate::SECOND_READING_AFTER));
        if order == Order::Unknown && late && event.state.as_deref() == Some("merged") {
            return Order::After;
        }
        order
    }

    /// Every user who approved, by either source, ordered by id.
    pub(crate) fn records(&self) -> Vec<ApprovalRecord<'a>> {
        let mut records = Records::new();
        // 1. What GitLab lists. If it ever lists a person twice, the latest time must be valid.
        for approval in self.listed() {
            let record = record_of(&mut records, &approval.user);
            if record
                .listed
                .is_none_or(|listed| listed.approved_at < approval.approved_at)
            {
                record.listed = Some(approval);
            }
        }
        // 2. What GitLab listed before, and what the events show.
        let untimed = self.add_listed_before(&mut records);
        self.add_events(&mut records);
        // 3. Without a time, so at some time before the merge: used only if no other source shows an approval of this person.
        for approval in untimed {
            let seen = SeenApproval {
                interval: Interval {
                    from: self.api.created_at.unwrap_or(Timestamp::MIN),
                    to: self.merged_at(),
                },
                by_time: Order::Before,
                by_state: Order::Before,
            };
            records.entry(approval.user.id).or_insert_with(|| ApprovalRecord {
                seen: vec![seen],
                ..ApprovalRecord::new(&approval.user)
            });
        }
        for record in records.values_mut() {
            record.seen.sort_by_key(|seen| (seen.interval.to, seen.interval.from));
        }
        records.into_values().collect()
    }

    /// Adds what was listed before the merge, or listed until the approver revoked it: seen, and no longer listed. Returns those
    /// without a time.
    fn add_listed_before(&self, records: &mut Records<'a>) -> Vec<&'a Approval> {
        let before = self
            .earlier
            .approvals_before_merge
            .iter()
            .map(|approval| (approval, Some(Order::Before)));
        let revoked = self
            .earlier
            .approvals
            .iter()
            .filter(|approval| self.revoked_by_second_reading(approval));
        let mut untimed = Vec::new();
        for (approval, order) in before.chain(revoked.map(|approval| (approval, None))) {
            let Some(at) = approval.approved_at else {
                untimed.push(approval);
                continue;
            };
            let order = order.unwrap_or_else(|| {
                if at <= self.merged_at() {
                    Order::Before
                } else {
                    Order::After
                }
            });
            record_of(records, &approval.user).seen.push(SeenApproval {
                interval: Interval::exact(at),
                by_time: order,
                by_state: order,
            });
        }
        untimed
    }

    /// Adds the approvals that the events show.
    fn add_events(&self, records: &mut Records<'a>) {
        let approvals = self.history.iter().copied();
        for event in approvals.filter(|event| event.action.is_approval() && !event.system) {
            let Some(actor) = &event.actor else { continue };
            let interval = self.interval(event);
            record_of(records, actor).seen.push(SeenApproval {
                interval,
                by_time: interval.order(self.merged_at()),
                by_state: self.order_of_approval(event),
            });
        }
    }

    /// What GitLab lists now, and what it listed in earlier answers after the merge: a given approval remains given.
    ///
    /// Except that the second read after a person's own revocation decides what is still listed.
    fn listed(&self) -> impl Iterator<Item = &'a Approval> {
        let now = self.api.approvals.iter();
        let earlier = self.earlier.approvals.iter().filter(|approval| {
            let listed_now = self
                .api
                .approvals
                .iter()
                .any(|listed| listed.user.id == approval.user.id);
            !listed_now && !self.revoked_by_second_reading(approval)
        });
        now.chain(earlier)
    }

    fn revoked_by_second_reading(&self, approval: &Approval) -> bool {
        let given = approval.approved_at.map(Interval::exact);
        self.revocations(approval.user.id, false).any(|revocation| {
            let after = given.is_none_or(|given| revocation.interval.order_to(given) != Order::Before);
            after && revocation.to_merge != Order::After && self.api.read_at >= revocation.confirmable_at()
        })
    }

    /// A person's own revocations; with `resets` also those by GitLab, which do not name whose approvals they deleted.
    pub(crate) fn revocations(&self, user: UserId, resets: bool) -> impl Iterator<Item = Revocation<'a>> {
        let concerning = move |event: &&'a HistoryEvent| {
            let own = !event.system && event.actor.as_ref().is_some_and(|actor| actor.id == user);
            event.action.is_revocation() && (own || (resets && event.system))
        };
        self.history.iter().copied().filter(concerning).map(|event| Revocation {
            event,
            interval: self.interval(event),
            to_merge: self.order_to_merge(event),
        })
    }

    /// Whether a person pushed commits, by the received events.
    pub(crate) fn pushed(&self, user: UserId) -> bool {
        self.history
            .iter()
            .any(|event| event.pushed && event.actor.as_ref().is_some_and(|actor| actor.id == user))
    }
}

/// Stored events with trusted content, each once, in an order independent of arrival.
pub(crate) fn trusted(facts: &Facts) -> Vec<&HistoryEvent> {
    let mut history: Vec<&HistoryEvent> = facts.history.iter().filter(|event| !event.stale).collect();
    history.sort_by(|one, other| (one.occurred_at, *one).cmp(&(other.occurred_at, *other)));
    history.dedup();
    history
}

/// Whether an event closes or reopens the merge request.
pub(crate) fn is_lifecycle(event: &HistoryEvent) -> bool {
    matches!(event.action, EventAction::Close | EventAction::Reopen)
}
