//! The only HTTP client: timeouts, compiled-in roots, no redirects, bounded answers, and one audit line for every request.

mod answer;
mod call;
mod failure;
mod options;
mod record;
mod retry_after;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use audit::{FailureClass, Writer};
use jiff::Timestamp;
use model::Clock;
use trace::Tracer;

pub(crate) use answer::HttpResponse;
pub(crate) use call::Call;
pub use options::{HttpSetupError, Options};

use crate::CallError;
use crate::error::{CallProblem, Safety};
use record::CallRecord;

/// The audited HTTP client. Built once per process; cheap to clone, and all clones share one connection pool.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    writer: Writer,
    tracer: Tracer,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    body_limit: usize,
}

impl Http {
    /// Builds the client. Opens no connection.
    ///
    /// # Errors
    /// [`HttpSetupError`] if the private CA cannot be read or the TLS stack rejects the settings.
    pub fn new(options: &Options, writer: Writer, clock: Arc<dyn Clock>) -> Result<Self, HttpSetupError> {
        let client = options::build(options)?;
        Ok(Self {
            client,
            writer,
            tracer: Tracer::off(),
            clock,
            timeout: options.timeout,
            body_limit: options.body_limit,
        })
    }

    /// The same client with another time limit for one whole request, answer included.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same client, with a span for each request.
    #[must_use]
    pub fn with_tracer(mut self, tracer: Tracer) -> Self {
        self.tracer = tracer;
        self
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes a call, reads the answer with `read`, and writes one audit line per request with its result.
    ///
    /// A read whose connection breaks is retried once; a call with effects never is (the pool itself repeats one that it could not
    /// even begin to send on a stale connection).
    pub(crate) async fn send<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&HttpResponse) -> Result<T, CallProblem>,
    ) -> Result<T, CallError> {
        let first = self.attempt(call, 1, &read).await;
        match first {
            Err(error) if call.safety() == Safety::Reads && error.class == FailureClass::NetworkError => {
                self.attempt(call, 2, &read).await
            }
            settled => settled,
        }
    }

    async fn attempt<T>(
        &self,
        call: &Call<'_>,
        attempt: u32,
        read: &impl Fn(&HttpResponse) -> Result<T, CallProblem>,
    ) -> Result<T, CallError> {
        let mut record = CallRecord::begin(&self.writer, &self.tracer, call, attempt);
        let result = self.exchange(call, &mut record, read).await;
        record.end(result.as_ref().err());
        result
    }

    async fn exchange<T>(
        &self,
        call: &Call<'_>,
        record: &mut CallRecord<'_>,
        read: &impl Fn(&HttpResponse) -> Result<T, CallProblem>,
    ) -> Result<T, CallError> {
        let fail = |problem: CallProblem, sent: bool, http_status: Option<u16>| CallError {
            action: call.action,
            class: problem.class,
            advice: problem.advice,
            sent,
            http_status,
            message: problem.message,
        };
        let request = call.request(record.context(), self.timeout);
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that sends: the audit record is open around it"
        )]
        let response = self.client.execute(request).await;
        let mut response = response.map_err(|error| {
            let (problem, sent) = failure::of_sending(&error, call.safety());
            fail(problem, sent, None)
        })?;
        let status = response.status().as_u16();
        record.status = Some(status);

        let body = self.read_body(&mut response, call.safety(), record).await;
        let body = body.map_err(|problem| fail(problem, true, Some(status)))?;
        let headers = std::mem::take(response.headers_mut());
        let answer = HttpResponse {
            status,
            headers,
            body,
            received_at: self.now(),
            safety: call.safety(),
        };
        read(&answer).map_err(|problem| fail(problem, true, Some(status)))
    }

    async fn read_body(
        &self,
        response: &mut reqwest::Response,
        safety: Safety,
        record: &mut CallRecord<'_>,
    ) -> Result<Vec<u8>, CallProblem> {
        let too_large = || {
            let message = format!("response is larger than {} bytes", self.body_limit);
            CallProblem::new(FailureClass::InvalidResponse, safety.unanswered(), message)
        };
        if response
            .content_length()
            .is_some_and(|length| length > self.body_limit as u64)
        {
            return Err(too_large());
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.body_limit => return Err(too_large()),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Err(failure::of_reading(&error, safety)),
            }
            record.bytes = Some(body.len());
        }
        record.bytes = Some(body.len());
        Ok(body)
    }
}
