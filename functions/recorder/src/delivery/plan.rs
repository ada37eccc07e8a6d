//! Batch sizes, and the search for the one entry that a destination rejects.

/// The most entries in one batch.
pub(super) const ENTRIES: usize = 500;
/// The most bytes of lines in one batch, unless a single line is longer.
pub(super) const BYTES: usize = 1_000_000;

/// The size of the next batch, from the results of those before it.
///
/// After a failed run, the first batch is a single entry: if the destination is still down, little is wasted, and if it
/// rejects that entry, this is known immediately. A batch rejected for its content is halved, and its second half after its first
/// succeeded, until a single entry remains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    probe: bool,
    /// The end of the smallest batch known to be rejected.
    refused_up_to: Option<i64>,
}

impl Plan {
    pub(super) fn new(failures: i32) -> Self {
        Self {
            probe: failures > 0,
            refused_up_to: None,
        }
    }

    /// How many of the next entries, given by position and length in bytes, form the next batch. At least one, if there is one.
    pub(super) fn size(&self, next: impl Iterator<Item = (i64, usize)> + Clone) -> usize {
        let limit = if self.probe {
            1
        } else if let Some(end) = self.refused_up_to {
            let suspects = next.clone().take_while(|(position, _)| *position <= end).count();
            suspects.div_ceil(2).max(1)
        } else {
            ENTRIES
        };
        let mut bytes = 0_usize;
        let fitting = next.take(limit).enumerate().take_while(|(number, (_, length))| {
            bytes = bytes.saturating_add(*length);
            *number == 0 || bytes <= BYTES
        });
        fitting.count()
    }

    /// The batch up to this position was delivered or quarantined.
    pub(super) fn passed(&mut self, position: i64) {
        self.probe = false;
        if self.refused_up_to.is_some_and(|end| position >= end) {
            self.refused_up_to = None;
        }
    }

    /// The batch up to this position was rejected, and is not a single entry.
    pub(super) fn refused(&mut self, position: i64) {
        self.refused_up_to = Some(position);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Sends entries 1 to `count` to a destination that rejects every batch with a `poison` in it; returns what it accepted, what
    /// was quarantined, and the number of batches.
    fn send(count: i64, poison: &BTreeSet<i64>, failures: i32) -> (Vec<i64>, Vec<i64>, usize) {
        let (mut plan, mut last, mut calls) = (Plan::new(failures), 0, 0);
        let (mut taken, mut aside) = (Vec::new(), Vec::new());
        while last < count {
            let size = plan.size((last + 1..=count).map(|position| (position, 100)));
            let batch: Vec<i64> = (last + 1..=count).take(size).collect();
            let end = *batch.last().unwrap();
            calls += 1;
            if !batch.iter().any(|position| poison.contains(position)) {
                taken.extend(batch);
            } else if size > 1 {
                plan.refused(end);
                continue;
            } else {
                aside.push(end);
            }
            plan.passed(end);
            last = end;
        }
        (taken, aside, calls)
    }

    #[test]
    fn one_refused_entry_is_isolated_in_few_batches() {
        for poison in [1, 2, 250, 251, 499, 500] {
            let (taken, aside, calls) = send(500, &BTreeSet::from([poison]), 0);
            assert_eq!((taken.len(), aside), (499, vec![poison]));
            assert!(calls <= 20, "{poison}: {calls}");
        }
    }

    #[test]
    fn first_batch_after_a_failure_is_one_entry() {
        let next = (1..=900).map(|position| (position, 100));
        let mut plan = Plan::new(3);
        assert_eq!(plan.size(next.clone()), 1);
        plan.passed(1);
        assert_eq!(plan.size(next.skip(1)), ENTRIES);
    }

    #[test]
    fn batch_size_is_bounded_but_never_zero() {
        let plan = Plan::new(0);
        let of = |lengths: &[usize]| plan.size((1_i64..).zip(lengths.iter().copied()));
        assert_eq!(of(&[BYTES / 2, BYTES / 2, 1]), 2);
        assert_eq!(of(&[BYTES + 1, 1]), 1);
        assert_eq!(of(&[usize::MAX, usize::MAX]), 1);
        assert_eq!(of(&[]), 0);
    }

    proptest! {
        #[test]
        fn everything_arrives_in_order_but_what_is_refused(
            count in 1_i64..1200,
            poison in proptest::collection::btree_set(1_i64..1200, 0..12),
            failures in 0..5,
        ) {
            let (taken, aside, _) = send(count, &poison, failures);
            prop_assert_eq!(aside, poison.range(..=count).copied().collect::<Vec<_>>());
            prop_assert_eq!(taken, (1..=count).filter(|position| !poison.contains(position)).collect::<Vec<_>>());
        }
    }
}
