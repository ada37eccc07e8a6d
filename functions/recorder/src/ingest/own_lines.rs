//! The recorder's own lines: kept until they are stored, in print order.

use std::collections::HashSet;

use audit::Memory;
use audit::line_schema::{ParsedEntry, ParsedIntent};
use store::AuditBatch;
use uuid::Uuid;

use crate::ingest::lines::sorted_lines;

/// The stored source of these lines.
const SOURCE: &str = "recorder";

/// The lines printed and not stored yet.
#[derive(Debug)]
pub(crate) struct OwnLines(Memory);

/// A snapshot of them: what to store, and how many lines that covers.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) batch: AuditBatch,
    lines: usize,
}

impl OwnLines {
    pub(crate) fn new(memory: Memory) -> Self {
        Self(memory)
    }

    /// Everything kept now. A call's announcement is omitted if the call's entry is there.
    pub(crate) fn look(&self) -> Kept {
        let lines = self.0.lines();
        let mut batch = sorted_lines(SOURCE, &lines);
        let ended: HashSet<Uuid> = batch.entries.iter().map(|entry| entry.id).collect();
        batch.intents.retain(|intent| !ended.contains(&intent.id));
        Kept {
            batch,
            lines: lines.len(),
        }
    }

    /// Removes the lines of a stored snapshot. Without `intents`, announcements of open calls are not stored, and stay.
    pub(crate) fn forget(&self, kept: &Kept, intents: bool) {
        let under_way: HashSet<Uuid> = kept.batch.intents.iter().map(|intent| intent.id).collect();
        let stays = |line: &String| {
            !intents
                && sorted_lines(SOURCE, std::slice::from_ref(line))
                    .intents
                    .iter()
                    .any(|intent| under_way.contains(&intent.id))
        };
        self.0.retain_of_first(kept.lines, stays);
    }
}

impl Kept {
    pub(crate) fn entries(&self) -> &[ParsedEntry] {
        &self.batch.entries
    }

    pub(crate) fn intents(&self) -> &[ParsedIntent] {
        &self.batch.intents
    }

    pub(crate) fn source(&self) -> &str {
        &self.batch.source
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use audit::{Action, ActorType, Context, Entry, Outcome, Target, Writer};
    use jiff::Timestamp;
    use model::FixedClock;

    use super::*;

    #[test]
    fn only_an_open_call_keeps_its_announcement() {
        let now: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let (writer, memory) = Writer::memory("recorder", Arc::new(FixedClock(now)));
        let own = OwnLines::new(memory);
        let context = Context::new(ActorType::PollCycle, Uuid::from_u128(7));
        let target = Target::other("queue", "audit-retry");
        let begin = || writer.announce_call(Action::SqsSendMessage, &context, &target);
        let end = |announced| {
            let entry = Entry::new(Action::SqsSendMessage, &context, target.clone(), Outcome::Success);
            writer.write(&entry.completes(announced));
        };
        let first = begin();
        end(first);
        let under_way = begin();
        let seen = own.look();
        assert_eq!((seen.entries().len(), seen.intents().len()), (1, 1));
        assert_eq!(seen.intents()[0].id, under_way.id());

        end(under_way);
        own.forget(&seen, false);
        let seen = own.look();
        assert_eq!(
            (seen.entries().len(), seen.intents().len()),
            (1, 0),
            "lines printed since then are still kept"
        );
        own.forget(&seen, true);
        own.forget(&seen, true);
        assert!(own.look().entries().is_empty());
    }
}
