//! The product's flow in memory, as thin as possible: events in, readings by schedule, decisions by the rules.

mod reading;
mod record;
mod schedule;

pub use record::{Counts, Decided, End, Received, Record};

use std::collections::BTreeSet;

use model::{
    EarlierFacts, EventAction, Facts, HistoryEvent, MergeRequestEvent, MergeRequestIid, MergeRequestKey, MergeTrigger,
    ProjectId,
};
use rules::{CurrentDecision, Rules, Ruling, after_event};
use schedule::{Evaluation, MERGE_SHOWN};

use crate::Person;
use crate::api::{Api, Mode, Reading};
use crate::clock::{instant, timestamp};
use crate::hooks::Delivery;

/// The flow of one merge request.
pub struct Flow<'a> {
    api: Api<'a>,
    rules: &'a Rules,
    trigger: Option<MergeTrigger>,
    history: Vec<HistoryEvent>,
    keys: BTreeSet<String>,
    earlier: EarlierFacts,
    evaluation: Option<Evaluation>,
    before_watch: bool,
    merge_seen: bool,
    record: Record,
}

/// Plays deliveries and readings in order of time.
#[must_use]
pub fn play(api: Api<'_>, deliveries: &[Delivery], until: i64) -> Record {
    let mut flow = Flow::new(api, until);
    let mut deliveries = deliveries
        .iter()
        .filter(|delivery| delivery.received_at <= until)
        .peekable();
    loop {
        let due = flow.evaluation.as_ref().and_then(|evaluation| evaluation.due);
        let due = due.filter(|due| *due <= until);
        match (due, deliveries.peek()) {
            (Some(due), next) if next.is_none_or(|next| due < next.received_at) => flow.read_merge(due),
            (_, Some(_)) => deliveries
                .next()
                .into_iter()
                .for_each(|delivery| flow.receive(delivery)),
            (None, None) => return flow.end(),
            (Some(due), None) => flow.read_merge(due),
        }
    }
}

impl<'a> Flow<'a> {
    fn new(api: Api<'a>, until: i64) -> Self {
        Self {
            api,
            rules: api.world.setting.profile.rules(),
            trigger: None,
            history: Vec::new(),
            keys: BTreeSet::new(),
            earlier: EarlierFacts::default(),
            evaluation: None,
            before_watch: false,
            merge_seen: false,
            record: Record {
                readings: Vec::new(),
                received: Vec::new(),
                decided: Vec::new(),
                end: End::NotMerged,
                open: false,
                until,
                counts: Counts::default(),
            },
        }
    }

    fn receive(&mut self, delivery: &Delivery) {
        let now = delivery.received_at;
        let event = &delivery.event;
        if !self.keys.insert(delivery.key.clone()) {
            self.record.counts.duplicates += 1;
            self.nudge(now, delivery.stale);
            return;
        }
        let stored = self.store(delivery);
        self.record.received.push(Received {
            at: now,
            done_at: delivery.done_at,
            event: stored.clone(),
        });
        self.history.push(stored);
        self.merge_seen |=
            !delivery.stale && (event.action == EventAction::Merge || event.state.as_deref() == Some("merged"));
        if event.action == EventAction::Merge {
            self.merged(now, delivery);
        } else if !self.record.decided.is_empty() {
            self.event(now, delivery.stale);
        } else if self.evaluation.is_some() {
            self.nudge(now, delivery.stale);
        } else if !delivery.stale && event.state.as_deref() == Some("merged") {
            self.merge_shown(now, MergeTrigger::of_other(event));
        } else if self.shows_label(event) {
            self.review(now, event, delivery.stale);
        }
    }

    /// The stored row of an event, with the actor's membership where it matters.
    fn store(&self, delivery: &Delivery) -> HistoryEvent {
        let now = delivery.received_at;
        let event = &delivery.event;
        let matters = event.action.is_approval() || !event.labels_removed.is_empty();
        let actor = event.actor.as_ref().and_then(|actor| Person::of(actor.id));
        let member = actor
            .filter(|_| matters && !delivery.stale)
            .and_then(|actor| Some((actor, self.api.is_member(actor, now)?)));
        let profile = self.api.world.setting.profile;
        let eligible = member
            .map(|(actor, member)| member || (profile == crate::setting::Profile::WithListed && profile.lists(actor)));
        HistoryEvent {
            eligible,
            eligible_read_at: eligible.map(|_| timestamp(now)),
            ..HistoryEvent::of(event, timestamp(now), delivery.stale)
        }
    }

    /// A merge event is always decided, and GitLab is read immediately.
    fn merged(&mut self, now: i64, delivery: &Delivery) {
        let trusted = self
            .trigger
            .as_ref()
            .is_some_and(|trigger| trigger.trusted && trigger.merger.is_some());
        if !delivery.stale {
            self.trigger = Some(MergeTrigger::of(&delivery.event));
            self.before_watch = false;
        } else if !trusted && self.trigger.is_none() {
            self.trigger = Some(MergeTrigger::untrusted(&delivery.event, timestamp(now)));
        }
        if !self.record.decided.is_empty() {
            self.event(now, delivery.stale);
            return;
        }
        match &mut self.evaluation {
            Some(evaluation) if evaluation.pending && !delivery.stale => {
                evaluation.by_merge_event = true;
                evaluation.due = Some(now);
            }
            Some(evaluation) => {
                evaluation.by_merge_event |= !delivery.stale;
                evaluation.nudge(now, delivery.stale);
            }
            None => self.evaluation = Some(Evaluation::new(now, now, true)),
        }
    }

    /// A source showed the merge without its own event.
    fn merge_shown(&mut self, now: i64, trigger: MergeTrigger) {
        self.merge_seen = true;
        if self.before_watch || self.evaluation.is_some() || !self.record.decided.is_empty() {
            return;
        }
        self.trigger.get_or_insert(trigger);
        self.evaluation = Some(Evaluation::new(now, now + MERGE_SHOWN, false));
    }

    /// An event on a decided merge.
    fn event(&mut self, now: i64, stale: bool) {
        let Some(current) = self.record.decided.last() else {
            return;
        };
        if !current.confirmed {
            self.nudge(now, stale);
            return;
        }
        if stale {
            return;
        }
        let facts = Facts {
            history: self.history.clone(),
            ..current.facts.clone()
        };
        let standing = CurrentDecision {
            facts: &current.facts,
            verdict: &current.verdict,
            confirmed: true,
        };
        match after_event(&facts, standing, self.rules, timestamp(now)) {
            Ruling::Decide { verdict, confirmed } => self.record.decided.push(Decided {
                at: now,
                facts,
                verdict: *verdict,
                confirmed,
            }),
            Ruling::Reread { not_before, .. } => {
                let due = not_before.map_or(now, instant).max(now);
                let mut evaluation = Evaluation::new(now, due, true);
                (evaluation.pending, evaluation.shown) = (false, true);
                let known = self.evaluation.take();
                self.evaluation = Some(match known {
                    Some(known) => Evaluation {
                        due: Some(due),
                        ..known
                    },
                    None => evaluation,
                });
            }
            Ruling::Wait { .. } | Ruling::Denied { .. } | Ruling::Unchanged => {}
        }
    }

    fn nudge(&mut self, now: i64, stale: bool) {
        if let Some(evaluation) = self.evaluation.as_mut().filter(|evaluation| !evaluation.pending) {
            evaluation.nudge(now, stale);
        }
    }

    fn shows_label(&self, event: &MergeRequestEvent) -> bool {
        let lists = [&event.labels, &event.labels_added, &event.labels_removed];
        event.labels_truncated
            || lists
                .into_iter()
                .flatten()
                .any(|title| self.rules.is_security_label(title))
    }

    fn key() -> MergeRequestKey {
        MergeRequestKey {
            instance: "main".to_owned(),
            project_id: ProjectId(11),
            mr_iid: MergeRequestIid(3),
        }
    }

    fn end(mut self) -> Record {
        let pending = self.evaluation.as_ref().is_some_and(|evaluation| evaluation.pending);
        let due = self
            .evaluation
            .as_ref()
            .is_some_and(|evaluation| evaluation.due.is_some());
        self.record.open = due;
        self.record.end = match self.record.decided.last() {
            // A reading that an event requested was never answered: the decision stays among the unconfirmed.
            Some(decided) if decided.confirmed && self.evaluation.is_some() && !due => End::GivenUp,
            Some(decided) if decided.confirmed => End::Confirmed,
            Some(_) if due => End::Unconfirmed,
            Some(_) => End::GivenUp,
            None if pending => End::Pending,
            None if self.evaluation.is_some() => End::Denied,
            None if self.before_watch => End::BeforeWatch,
            None if self.merge_seen => End::Forgotten,
            None => End::NotMerged,
        };
        self.record
    }

    fn keep(&mut self, mode: Mode, reading: &Reading) {
        self.record.readings.push((mode, reading.clone()));
    }
}
