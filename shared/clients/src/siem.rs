//! Receivers of the audit log: a batch of entries posted over HTTP or sent to another destination, one audited call each.

mod audited;
mod credential;
#[cfg(test)]
mod tests;

use std::time::Duration;

use audit::{Action, Context, Target};
use audit_delivery::{DeliveryError, Outgoing, http_batch};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use url::Url;

use crate::error::CallProblem;
use crate::http::{Call, Http, HttpResponse};
use crate::{Advice, CallError, InvalidAddress};

pub use audited::Audited;
pub use credential::SiemCredential;

/// An HTTP receiver: accepts JSON arrays of entries by `POST`.
#[derive(Debug, Clone)]
pub struct HttpReceiver {
    http: Http,
    endpoint: Url,
    header: Option<(HeaderName, HeaderValue)>,
}

impl HttpReceiver {
    /// A receiver at exactly this address, which may have a path and a query. A credential is sent through TLS only, or to this
    /// machine.
    ///
    /// # Errors
    /// [`InvalidAddress`] if the address or the credential cannot be used, or the credential must not be sent to the address.
    pub fn new(http: Http, endpoint: Url, credential: Option<&SiemCredential>) -> Result<Self, InvalidAddress> {
        if !matches!(endpoint.scheme(), "http" | "https") || !endpoint.has_host() {
            return Err(InvalidAddress::Unusable);
        }
        if credential.is_some() && !http_batch::may_carry_credentials(&endpoint) {
            return Err(InvalidAddress::ClearText);
        }
        let header = credential.map(SiemCredential::header).transpose()?;
        Ok(Self { http, endpoint, header })
    }

    /// Posts a batch, and waits for the answer at most this long. `Ok` means that the receiver accepted all of it.
    ///
    /// # Errors
    /// [`DeliveryError`]. The receiver may still have accepted the batch; it drops entries whose ids it has already.
    pub async fn post_events(
        &self,
        context: &Context,
        batch: &[Outgoing<'_>],
        patience: Duration,
    ) -> Result<(), DeliveryError> {
        let target = target(&self.endpoint);
        let body = http_batch::body(batch);
        let key = HeaderValue::try_from(http_batch::idempotency_key(batch, &body)).ok();
        let url = self.endpoint.clone();
        let mut call = Call::post(Action::SiemPostEvents, context, &target, url, body.into_bytes());
        call = call.header(CONTENT_TYPE, HeaderValue::from_static(http_batch::CONTENT_TYPE));
        if let (Ok(name), Some(key)) = (HeaderName::try_from(http_batch::IDEMPOTENCY_KEY), key) {
            call = call.header(name, key);
        }
        if let Some((name, value)) = &self.header {
            call = call.header(name.clone(), value.clone());
        }
        for (name, value) in particulars(batch) {
            call = call.detail(name, value);
        }
        let http = self.http.clone().with_timeout(patience);
        http.send(&call, check_answer).await.map_err(delivery_error)
    }
}

/// The receiver's name in the audit log: host and port. The path and the query may hold a token.
fn target(endpoint: &Url) -> Target {
    let host = endpoint.host_str().unwrap_or_default();
    let port = endpoint.port_or_known_default().unwrap_or_default();
    Target::other("audit_receiver", format!("{host}:{port}"))
}

/// The batch as details of a call's entry.
fn particulars(batch: &[Outgoing<'_>]) -> [(&'static str, u64); 3] {
    let position = |entry: Option<&Outgoing<'_>>| entry.map_or(0, |entry| entry.position);
    [
        ("entries", batch.len() as u64),
        ("first_position", position(batch.first())),
        ("last_position", position(batch.last())),
    ]
}

fn check_answer(answer: &HttpResponse) -> Result<(), CallProblem> {
    http_batch::check_status(answer.status, answer.retry_after()).map_err(|error| {
        let (class, message) = (error.class(), error.to_string());
        let advice = match error {
            DeliveryError::Unavailable { retry_after, .. } => Advice::Retry { after: retry_after },
            DeliveryError::Refused { .. } => Advice::Permanent,
        };
        CallProblem::new(class, advice, message)
    })
}

/// Only a complete answer can reject a batch. After any other failure the same batch is sent again: the receiver knows the ids.
fn delivery_error(error: CallError) -> DeliveryError {
    let CallError {
        class,
        advice,
        http_status,
        message,
        ..
    } = error;
    match http_status.map(|status| http_batch::check_status(status, None)) {
        Some(Err(DeliveryError::Refused { .. })) if advice == Advice::Permanent => {
            DeliveryError::Refused { class, message }
        }
        _ => DeliveryError::Unavailable {
            class,
            message,
            retry_after: advice.after(),
        },
    }
}
