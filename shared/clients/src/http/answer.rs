//! A complete answer, and the meaning of its status.

use std::time::Duration;

use audit::FailureClass;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use super::retry_after;
use crate::Advice;
use crate::error::{CallProblem, Safety};

/// A `Date` header that differs more from our clock is ignored.
const MOST_OFFSET_SECONDS: i64 = 3_600;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) received_at: Timestamp,
    pub(crate) safety: Safety,
}

impl HttpResponse {
    /// A header as text; `None` if it is absent or not text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How far the target's clock is ahead of ours, in whole seconds, by its `Date` header; 0 if it sends none.
    pub(crate) fn clock_offset_seconds(&self) -> i64 {
        let date = self
            .header("date")
            .and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let offset = date.map_or(0, |date| date.timestamp().as_second() - self.received_at.as_second());
        // A clock that is wrong by hours cannot order events, so the header is ignored.
        if offset.abs() <= MOST_OFFSET_SECONDS { offset } else { 0 }
    }

    /// How long the target asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry_after::retry_delay(self.status, &self.headers, self.received_at)
    }

    /// The meaning of an unsuccessful answer, by its status alone.
    pub(crate) fn refusal(&self) -> CallProblem {
        let class = FailureClass::of_status(self.status);
        let after = self.retry_after();
        let advice = match class {
            // Rejected before anything was done, for every kind of call.
            FailureClass::RateLimit => Advice::Retry { after },
            FailureClass::ServerError | FailureClass::Timeout => match self.safety {
                Safety::Reads => Advice::Retry { after },
                Safety::Acts => Advice::Ambiguous,
            },
            _ => Advice::Permanent,
        };
        CallProblem::new(class, advice, format!("answered {} ({class})", self.status))
    }

    /// The body as JSON of the expected type.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, CallProblem> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // Only the position: serde's own text can repeat values of the body.
            let what = if error.is_data() {
                "JSON of an unexpected shape"
            } else {
                "incomplete JSON"
            };
            self.unreadable(format!(
                "response is {what} (line {}, column {})",
                error.line(),
                error.column()
            ))
        })
    }

    /// An answer that cannot be used.
    pub(crate) fn unreadable(&self, message: impl Into<String>) -> CallProblem {
        CallProblem::new(FailureClass::InvalidResponse, self.safety.unanswered(), message)
    }
}
