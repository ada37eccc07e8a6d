//! Requests to an HTTP receiver and the meaning of its responses, without IO, for every client that posts entries.

use std::time::Duration;

use jiff::Timestamp;
use model::sha256_hex;
use url::Url;

use crate::destination::{DeliveryError, Outgoing};
use audit::FailureClass;

/// `Content-Type` of [`body`].
pub const CONTENT_TYPE: &str = "application/json";
/// The name of the header with [`idempotency_key`]: `draft-ietf-httpapi-idempotency-key-header`.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// The longest accepted wait: a wrong or hostile `Retry-After` must not delay deliveries for days.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// A JSON array of the lines exactly as printed, in order.
#[must_use]
pub fn body(batch: &[Outgoing<'_>]) -> String {
    let length: usize = batch.iter().map(|entry| entry.line.len() + 1).sum();
    let mut body = String::with_capacity(length + 2);
    body.push('[');
    for (number, entry) in batch.iter().enumerate() {
        if number > 0 {
            body.push(',');
        }
        body.push_str(entry.line);
    }
    body.push(']');
    body
}

/// `<first position>-<last position>-<hash of the body>`: equal only for equal bytes. A receiver that honours the header may answer
/// a known key without reading the body; positions alone would repeat between installations, and between a batch and its remainder.
/// Empty for an empty batch, which is never sent.
#[must_use]
pub fn idempotency_key(batch: &[Outgoing<'_>], body: &str) -> String {
    let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
        return String::new();
    };
    let digest = sha256_hex(body.as_bytes());
    format!("{}-{}-{}", first.position, last.position, &digest[..32])
}

/// Whether a token may be sent to this address: over TLS anywhere, in clear text only to this machine.
#[must_use]
pub fn may_carry_credentials(endpoint: &Url) -> bool {
    endpoint.scheme() == "https"
        || match endpoint.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), at most [`LONGEST_RETRY_AFTER`]; a past moment means now.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let seconds = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().unwrap_or(u64::MAX)
    } else {
        let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
        u64::try_from(at.as_second() - now.as_second()).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

/// What a status means for the batch. Only 400, 413 and 422 concern its content; every other rejection (credentials, address,
/// limit, outage) is fixed at the receiver or in the configuration; then a retry of the batch succeeds.
///
/// # Errors
/// [`DeliveryError`], unless the status is 2xx.
pub fn check_status(status: u16, retry_after: Option<Duration>) -> Result<(), DeliveryError> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    let class = FailureClass::of_status(status);
    let advice = match status {
        300..=399 => "redirects are not followed: configure the address it points to",
        400 | 422 => "it rejects the content of the batch",
        401 | 403 => "check the credentials in the secret",
        404 | 405 | 410 => "check the address",
        413 => "the batch is too large for it",
        408 | 429 | 500..=599 => "the batch will be retried",
        _ => "unexpected status",
    };
    let message = format!("the receiver answered {status}: {advice}");
    Err(match status {
        400 | 413 | 422 => DeliveryError::Refused { class, message },
        _ => DeliveryError::Unavailable {
            class,
            message,
            retry_after: retry_after.map(|wait| wait.min(LONGEST_RETRY_AFTER)),
        },
    })
}

#[cfg(test)]
mod tests;
