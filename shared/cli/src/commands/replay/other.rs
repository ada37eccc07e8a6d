//! Decisions of another version of the rules code: their number, and what this version would decide.

use std::collections::BTreeMap;

use rules::Rules;
use store::StoredDecisionInput;

use super::{computed, word};
use crate::output::{counted, remark};

#[derive(Debug, Default)]
pub(super) struct Others {
    same: u64,
    not_computed: u64,
    /// Stored and present outcome, where they differ.
    different: BTreeMap<(String, String), u64>,
}

impl Others {
    pub(super) fn add(&mut self, decision: &StoredDecisionInput, rules: Option<&Rules>) {
        let Some(rules) = rules else {
            self.not_computed += 1;
            return;
        };
        let computed = computed(decision, rules).map(|(verdict, _)| verdict);
        if computed.as_ref() == Some(&decision.verdict) {
            self.same += 1;
            return;
        }
        let now = computed.map_or_else(|| "nothing".to_owned(), |verdict| word(&verdict.outcome));
        *self
            .different
            .entry((word(&decision.verdict.outcome), now))
            .or_default() += 1;
    }

    pub(super) fn count(&self) -> u64 {
        self.same + self.not_computed + self.different.values().sum::<u64>()
    }

    /// Reports them on standard error, if there are any.
    pub(super) fn remark(&self) {
        for line in self.lines() {
            remark(&line);
        }
    }

    fn lines(&self) -> Vec<String> {
        let count = self.count();
        if count == 0 {
            return Vec::new();
        }
        let different: u64 = self.different.values().sum();
        let decisions = counted(count, "decision", "decisions");
        let mut lines = vec![format!(
            "{decisions} by another version of the rules code: {} unchanged, {different} different",
            self.same
        )];
        for ((stored, now), count) in &self.different {
            let what = if stored == now {
                format!("{stored}, with other reasons")
            } else {
                format!("{stored}, now {now}")
            };
            lines.push(format!("  {count}: {what}"));
        }
        if self.not_computed > 0 {
            lines.push(format!("  {}: not computed, rules file not stored", self.not_computed));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_of_outcome_is_counted() {
        assert!(Others::default().lines().is_empty());
        let pair = |stored: &str, now: &str| (stored.to_owned(), now.to_owned());
        let others = Others {
            same: 5,
            not_computed: 1,
            different: [
                (pair("approved", "exception: unverified"), 2),
                (pair("approved", "approved"), 1),
            ]
            .into(),
        };
        let expected = [
            "9 decisions by another version of the rules code: 5 unchanged, 3 different",
            "  1: approved, with other reasons",
            "  2: approved, now exception: unverified",
            "  1: not computed, rules file not stored",
        ];
        assert_eq!(others.lines(), expected);
    }
}
