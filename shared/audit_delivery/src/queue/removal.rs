//! Removes segments that every destination has received.

use std::sync::PoisonError;

use super::record::RecordKind;
use super::state::{Queue, State};

impl Queue {
    /// Removes segments that every destination has received, oldest first. A former destination that still has a cursor counts.
    pub(super) fn remove_delivered(&self) {
        let _one = self.removal.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut state = self.lock();
            let Some(path) = state.removable() else { return };
            drop(state);
            // Retried after the next delivered batch.
            if self.directory.remove(&path).is_err() {
                return;
            }
            self.lock().segments.pop_front();
        }
    }
}

impl State {
    /// The oldest segment, if it can be removed. Announcements of open calls are first copied to the last segment.
    fn removable(&mut self) -> Option<std::path::PathBuf> {
        let passed = self.receivers.iter().map(|receiver| receiver.delivered).min()?;
        let oldest = self.segments.front().filter(|oldest| oldest.last <= passed)?;
        if self.segments.len() == 1 {
            return None;
        }
        let (number, needed_until, path) = (oldest.number, oldest.needed_until, oldest.path.clone());
        let open: Vec<_> = self.open.iter().filter(|(_, open)| open.segment == number).collect();
        let open: Vec<_> = open.into_iter().map(|(id, open)| (*id, open.line.clone())).collect();
        if open.is_empty() {
            return (self.synced >= needed_until).then_some(path);
        }
        for (id, line) in open {
            self.append(RecordKind::Intent, id, &line);
        }
        let taken = self.taken;
        if let Some(oldest) = self.segments.front_mut() {
            oldest.needed_until = taken;
        }
        None
    }
}
