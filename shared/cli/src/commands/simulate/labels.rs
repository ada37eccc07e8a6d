//! The facts of a decision with complete label lists: the stored facts omit what its own rules did not need.

use std::collections::{BTreeMap, VecDeque};

use model::{Action, Facts, HistoryEvent};
use rules::Rules;
use store::{Store, StoredDecisionInput, StoredEvent};

use crate::commands::evidence;
use crate::output::CommandError;

/// Each event may hold long lists.
const PAGE: u32 = 200;

/// The facts with the label lists of the evidence and of every event received before the decision.
pub(super) async fn complete_facts(
    store: &Store,
    decision: &StoredDecisionInput,
    rules: &Rules,
) -> Result<Facts, CommandError> {
    let mut facts = decision.facts.clone();
    if let Some(answer) = decision
        .evidence
        .as_ref()
        .and_then(|evidence| evidence::answer(evidence, decision))
    {
        facts.api = answer;
    }
    let mut lists = Lists::of(&facts);
    let mut after = None;
    loop {
        let page = store
            .stored_events(&decision.merge_request, decision.recorded_at, after, PAGE)
            .await?;
        let is_last = page.len() < PAGE as usize;
        after = page.last().map(|last| last.cursor);
        for StoredEvent { mut event, .. } in page {
            // Other titles do not affect the decision, and would fill the memory.
            for list in [&mut event.labels, &mut event.labels_added, &mut event.labels_removed] {
                list.retain(|title| rules.is_security_label(title));
            }
            lists.add(event);
        }
        if is_last {
            break;
        }
    }
    lists.restore(&mut facts);
    Ok(facts)
}

/// Stored events by identity, without their lists.
struct Lists {
    /// The decision's version recorded the time of receipt with each event, which identifies events.
    by_receipt: bool,
    events: BTreeMap<HistoryEvent, VecDeque<HistoryEvent>>,
    merges: Vec<HistoryEvent>,
}

impl Lists {
    fn of(facts: &Facts) -> Self {
        Self {
            by_receipt: facts.history.iter().all(|event| event.received_at.is_some()),
            events: BTreeMap::new(),
            merges: Vec::new(),
        }
    }

    fn identity(&self, event: &HistoryEvent) -> HistoryEvent {
        let mut identity = HistoryEvent {
            labels: Vec::new(),
            labels_added: Vec::new(),
            labels_removed: Vec::new(),
            labels_truncated: false,
            eligible_read_at: None,
            occurred_at_source: None,
            state: None,
            ..event.clone()
        };
        if !self.by_receipt {
            identity.received_at = None;
        }
        identity
    }

    fn add(&mut self, event: HistoryEvent) {
        if event.action == Action::Merge && !event.stale {
            self.merges.push(event.clone());
        }
        self.events.entry(self.identity(&event)).or_default().push_back(event);
    }

    /// Restores the lists of each event of the facts; equal events in their order.
    fn restore(mut self, facts: &mut Facts) {
        for event in &mut facts.history {
            let identity = self.identity(event);
            let Some(complete) = self.events.get_mut(&identity).and_then(VecDeque::pop_front) else {
                continue;
            };
            event.labels = complete.labels;
            event.labels_added = complete.labels_added;
            event.labels_removed = complete.labels_removed;
            event.labels_truncated = complete.labels_truncated;
        }
        let trigger = &mut facts.trigger;
        if let ([merge], true) = (self.merges.as_slice(), trigger.trusted && !trigger.labels_unknown) {
            trigger.labels.clone_from(&merge.labels);
        }
    }
}
