//! The audit record of one request: announced before it, and written exactly once after it, at the latest when it is dropped. It
//! also holds the request's span.

use std::time::Instant;

use audit::{AnnouncedCall, Context, Entry, FailureClass, Outcome, Writer};
use trace::{Span, SpanKind, Tracer};

use super::Call;
use crate::CallError;

/// An open record. If it is dropped without [`CallRecord::end`], the caller cancelled the call, and the record reports that.
pub(super) struct CallRecord<'a> {
    writer: &'a Writer,
    call: &'a Call<'a>,
    attempt: u32,
    announced: AnnouncedCall,
    span: Option<Span>,
    started: Instant,
    written: bool,
    pub(super) status: Option<u16>,
    pub(super) bytes: Option<usize>,
}

impl<'a> CallRecord<'a> {
    pub(super) fn begin(writer: &'a Writer, tracer: &Tracer, call: &'a Call<'a>, attempt: u32) -> Self {
        let announced = writer.announce_call(call.action, call.context, call.target);
        let mut span = tracer.begin_call(SpanKind::Client, announced, call.action, call.context);
        span.attribute("http.request.method", call.method.as_str());
        // Host and port only: a path contains project names, and a query may hold a secret.
        span.attribute("server.address", call.url.host_str().unwrap_or_default());
        span.attribute("server.port", call.url.port_or_known_default().unwrap_or_default());
        if attempt > 1 {
            span.attribute("http.request.resend_count", attempt - 1);
        }
        Self {
            writer,
            call,
            attempt,
            announced,
            span: Some(span),
            started: Instant::now(),
            written: false,
            status: None,
            bytes: None,
        }
    }

    /// The context that the request carries.
    pub(super) fn context(&self) -> &Context {
        let outer = self.call.context;
        self.span.as_ref().map_or(outer, |span| span.context(outer))
    }

    /// Closes the record with the result of the request.
    pub(super) fn end(mut self, error: Option<&CallError>) {
        let outcome = error.map_or(Outcome::Success, |error| Outcome::Failure(error.class));
        let mut entry = self.entry(outcome);
        if let Some(error) = error {
            entry = entry.detail("reason", error.message.as_str());
            if let Some(after) = error.advice.after() {
                entry = entry.detail("retry_after_s", after.as_secs());
            }
        }
        self.write(&entry, error.map(|error| error.class));
    }

    fn entry(&self, outcome: Outcome) -> Entry {
        let call = self.call;
        let entry = Entry::new(call.action, call.context, call.target.clone(), outcome)
            .completes(self.announced)
            .took(self.started.elapsed())
            .detail("http_status", self.status)
            .detail("bytes", self.bytes)
            .detail("attempt", (self.attempt > 1).then_some(self.attempt));
        let details = call.details.iter();
        details.fold(entry, |entry, (name, value)| entry.detail(name, value.clone()))
    }

    fn write(&mut self, entry: &Entry, failure: Option<FailureClass>) {
        self.written = true;
        self.writer.write(entry);
        if let Some(mut span) = self.span.take() {
            if let Some(status) = self.status {
                span.attribute("http.response.status_code", status);
            }
            span.end(failure.map(FailureClass::as_str));
        }
    }
}

impl Drop for CallRecord<'_> {
    fn drop(&mut self) {
        if !self.written {
            let entry = self
                .entry(Outcome::Failure(FailureClass::Timeout))
                .detail("cancelled", true);
            self.write(&entry, Some(FailureClass::Timeout));
        }
    }
}
