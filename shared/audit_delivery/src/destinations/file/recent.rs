//! Ids of the most recent entries, so that a retried batch is written once.

use std::collections::{HashSet, VecDeque};

use uuid::Uuid;

/// How many ids are remembered: more than the lines of the tail that is read, in a few MiB of memory.
const REMEMBERED: usize = 64 * 1024;

/// A set of ids that forgets the oldest.
#[derive(Debug, Default)]
pub(super) struct Recent {
    order: VecDeque<Uuid>,
    ids: HashSet<Uuid>,
}

impl Recent {
    pub(super) fn contains(&self, id: Uuid) -> bool {
        self.ids.contains(&id)
    }

    pub(super) fn add(&mut self, ids: impl IntoIterator<Item = Uuid>) {
        for id in ids {
            if self.ids.insert(id) {
                self.order.push_back(id);
            }
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.ids.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let id = |number: usize| Uuid::from_u128(number as u128);
        let mut recent = Recent::default();
        recent.add((0..=REMEMBERED).map(id));
        recent.add([id(REMEMBERED)]);
        assert!(!recent.contains(id(0)));
        assert!(recent.contains(id(1)) && recent.contains(id(REMEMBERED)));
        assert_eq!(recent.order.len(), recent.ids.len());
    }
}
