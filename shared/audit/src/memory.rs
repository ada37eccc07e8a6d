//! Lines kept in memory: for the recorder, which stores its lines directly, and for tests.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// The lines of one writer, oldest first: entries and announcements of calls. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Vec<String>>>);

impl Memory {
    /// Every line so far, without line breaks.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.with(|lines| lines.clone())
    }

    /// Removes and returns every line.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        self.with(std::mem::take)
    }

    /// Removes the lines among the first `count` for which `keep` is false.
    pub fn retain_of_first(&self, count: usize, keep: impl FnMut(&String) -> bool) {
        self.with(|lines| {
            let count = count.min(lines.len());
            let kept: Vec<String> = lines.drain(..count).filter(keep).collect();
            lines.splice(0..0, kept);
        });
    }

    /// The entries so far, without the announcements of calls.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        self.lines_of(crate::ENTRY)
    }

    /// The announcements of calls so far.
    #[must_use]
    pub fn intents(&self) -> Vec<Value> {
        self.lines_of(crate::INTENT)
    }

    fn lines_of(&self, event_type: &str) -> Vec<Value> {
        let lines = self.lines();
        let lines = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
        lines.filter(|line: &Value| line["event_type"] == event_type).collect()
    }

    pub(crate) fn keep(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line).trim_end().to_owned();
        self.with(|lines| lines.push(text));
    }

    /// A thread that panicked while holding the lock left whole lines: each is added in one step.
    fn with<T>(&self, read: impl FnOnce(&mut Vec<String>) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
