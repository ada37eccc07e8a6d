//! An OpenTelemetry collector: receives spans over HTTP, in JSON.

use std::sync::Arc;
use std::time::Duration;

use audit::{Action, Context, Target, Writer};
use audit_delivery::http_batch;
use model::Clock;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use trace::{Export, ExportDestination, ExportError, Exporting};
use url::Url;

use crate::error::CallProblem;
use crate::http::{Call, Http, HttpResponse, HttpSetupError, Options};
use crate::{Advice, CallError, InvalidAddress};

/// Largest answer that is read: a collector reports how many spans it rejected, and why.
const BODY_LIMIT: usize = 64 * 1024;

/// A collector (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>). Each export is one audited call, and has no span itself.
#[derive(Debug)]
pub struct Collector {
    http: Http,
    url: Url,
    headers: HeaderMap,
    target: Target,
}

/// The collector's settings are invalid. Fix the `OTEL_EXPORTER_OTLP_` variables.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// The address or a header is invalid.
    #[error("invalid span collector: {0}")]
    Address(#[from] InvalidAddress),
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Client(#[from] HttpSetupError),
}

impl Collector {
    /// A collector; no call is made yet. Headers, which are mostly keys, are sent through TLS only, or to this machine.
    ///
    /// # Errors
    /// [`CollectorError`] if the address or a header cannot be used, or the header must not be sent to the address.
    pub fn new(destination: ExportDestination, writer: Writer, clock: Arc<dyn Clock>) -> Result<Self, CollectorError> {
        let ExportDestination { url, headers: wanted } = destination;
        if !wanted.is_empty() && !http_batch::may_carry_credentials(&url) {
            return Err(InvalidAddress::ClearText.into());
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &wanted {
            let name = HeaderName::try_from(name.as_str()).map_err(|_| InvalidAddress::Header)?;
            let mut value = HeaderValue::try_from(value.expose_secret()).map_err(|_| InvalidAddress::Token)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let options = Options {
            body_limit: BODY_LIMIT,
            ..Options::default()
        };
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let target = Target::other("collector", format!("{host}:{port}"));
        Ok(Self {
            http: Http::new(&options, writer, clock)?,
            url,
            headers,
            target,
        })
    }

    async fn post(&self, context: &Context, body: Vec<u8>, within: Duration) -> Result<u64, CallError> {
        let url = self.url.clone();
        let mut call = Call::post(Action::OtlpExportTraces, context, &self.target, url, body);
        call.headers = self.headers.clone();
        self.http.clone().with_timeout(within).send(&call, refused).await
    }
}

impl Export for Collector {
    fn export<'a>(&'a self, context: &'a Context, body: Vec<u8>, within: Duration) -> Exporting<'a> {
        Box::pin(async move {
            self.post(context, body, within).await.map_err(|error| ExportError {
                retry_after: error.advice.after(),
                reason: error.message,
            })
        })
    }
}

/// How many spans the collector rejected. Only 200 is a success; its body has the details, and may be empty
/// (<https://opentelemetry.io/docs/specs/otlp/#partial-success-1>).
fn refused(answer: &HttpResponse) -> Result<u64, CallProblem> {
    if answer.status != 200 {
        let advice = Advice::Retry {
            after: answer.retry_after(),
        };
        return Err(CallProblem {
            advice,
            ..answer.refusal()
        });
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let refused = &body["partialSuccess"]["rejectedSpans"];
    // A 64-bit number is a string in Protobuf's JSON; some collectors write it as a number.
    let number = refused.as_u64().or_else(|| refused.as_str()?.parse().ok());
    Ok(number.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use audit::Memory;
    use model::SystemClock;

    use super::*;

    fn collector(url: &str, headers: &[(&str, &str)]) -> (Result<Collector, CollectorError>, Memory) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (writer, lines) = Writer::memory("test", Arc::clone(&clock));
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()));
        let destination = ExportDestination {
            url: Url::parse(url).unwrap(),
            headers: headers.collect(),
        };
        (Collector::new(destination, writer, clock), lines)
    }

    #[test]
    fn refused_header_or_cleartext_key_is_not_shown() {
        for (url, headers) in [
            ("https://otlp.example.com/v1/traces", [("a b", "hunter2")]),
            ("https://otlp.example.com/v1/traces", [("api-key", "hunter2\n")]),
            ("http://otlp.example.com/v1/traces", [("api-key", "hunter2")]),
        ] {
            let error = collector(url, &headers).0.unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        for (url, headers) in [
            ("https://otlp.example.com/v1/traces", &[("api-key", "hunter2")][..]),
            ("http://127.0.0.1:4318/v1/traces", &[("api-key", "hunter2")]),
            ("http://collector.internal:4318/v1/traces", &[]),
        ] {
            let (collector, lines) = collector(url, headers);
            assert!(!format!("{:?}", collector.unwrap()).contains("hunter2"));
            assert!(lines.entries().is_empty());
        }
    }

    #[test]
    fn rejected_spans_are_read_in_either_form() {
        for (status, body, expected) in [
            (
                200,
                r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}"#,
                Some(3),
            ),
            (200, r#"{"partialSuccess":{"rejectedSpans":3}}"#, Some(3)),
            (200, "{}", Some(0)),
            (200, "", Some(0)),
            (200, r#"{"partialSuccess":{"rejectedSpans":"-1"}}"#, Some(0)),
            (202, "", None),
            (503, "", None),
        ] {
            let answer = HttpResponse {
                status,
                headers: HeaderMap::new(),
                body: body.as_bytes().to_vec(),
                received_at: SystemClock.now(),
                safety: crate::error::Safety::Acts,
            };
            assert_eq!(refused(&answer).ok(), expected, "{status} {body}");
        }
    }
}
