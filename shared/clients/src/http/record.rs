//! The audit record of one request: announced before it, and written exactly once after it, at the latest when it is dropped.

use std::time::Instant;

use audit::{Begun, Entry, FailureClass, Outcome, Writer};

use super::Call;
use crate::CallError;

/// An open record. Dropped without [`Record::end`], the call was given up by its caller, and the record says so.
pub(super) struct Record<'a> {
    writer: &'a Writer,
    call: &'a Call<'a>,
    attempt: u32,
    begun: Begun,
    started: Instant,
    written: bool,
    pub(super) status: Option<u16>,
    pub(super) bytes: Option<usize>,
}

impl<'a> Record<'a> {
    pub(super) fn begin(writer: &'a Writer, call: &'a Call<'a>, attempt: u32) -> Self {
        Self {
            writer,
            call,
            attempt,
            begun: writer.begin(call.action, call.context, call.target),
            started: Instant::now(),
            written: false,
            status: None,
            bytes: None,
        }
    }

    /// Closes the record with what came of the request.
    pub(super) fn end(mut self, error: Option<&CallError>) {
        let outcome = error.map_or(Outcome::Success, |error| Outcome::Failure(error.class));
        let mut entry = self.entry(outcome);
        if let Some(error) = error {
            entry = entry.detail("reason", error.message.as_str());
            if let Some(after) = error.advice.after() {
                entry = entry.detail("retry_after_s", after.as_secs());
            }
        }
        self.write(&entry);
    }

    fn entry(&self, outcome: Outcome) -> Entry {
        let call = self.call;
        Entry::new(call.action, call.context, call.target.clone(), outcome)
            .begun(self.begun)
            .took(self.started.elapsed())
            .detail("http_status", self.status)
            .detail("bytes", self.bytes)
            .detail("attempt", (self.attempt > 1).then_some(self.attempt))
    }

    fn write(&mut self, entry: &Entry) {
        self.written = true;
        self.writer.write(entry);
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if !self.written {
            let entry = self
                .entry(Outcome::Failure(FailureClass::Timeout))
                .detail("cancelled", true);
            self.write(&entry);
        }
    }
}
