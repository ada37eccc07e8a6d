//! The assessment of one request by the current producers. Pure.

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use inbound::gitlab::Rejection;
use inbound::producer::{BatchFormat, Producer, ProducerBatch, validate};
use jiff::Timestamp;

use crate::http::refusal::Refusal;
use crate::http::request::header_text;
use crate::senders::Senders;

/// Largest body, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The relevant parts of a request.
#[derive(Clone, Copy)]
pub struct IncomingEntries<'a> {
    /// `Authorization`.
    authorization: Option<&'a str>,
    /// `Content-Type`, without parameters.
    content_type: Option<&'a str>,
    /// `traceparent`.
    pub traceparent: Option<&'a str>,
    /// The exact bytes of the body.
    pub body: &'a [u8],
}

/// The producer that sent a request, and its entries.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvenEntries {
    pub producer: Producer,
    /// Or why none of them is read.
    pub batch: Result<ProducerBatch, Refusal>,
}

impl<'a> IncomingEntries<'a> {
    #[must_use]
    pub fn new(headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        let text = |name| header_text(headers, name);
        let essence = |value: &'a str| value.split(';').next().unwrap_or_default().trim();
        Self {
            authorization: text(AUTHORIZATION.as_str()),
            content_type: text(CONTENT_TYPE.as_str()).map(essence),
            traceparent: text("traceparent"),
            body,
        }
    }

    /// `None`: an unsupported content type.
    fn format(&self) -> Option<BatchFormat> {
        let is = |name: &str| self.content_type.is_none_or(|sent| sent.eq_ignore_ascii_case(name));
        if is("application/json") {
            Some(BatchFormat::Json)
        } else {
            is("application/x-ndjson").then_some(BatchFormat::Ndjson)
        }
    }

    /// The key after `Bearer`, whose letter case does not matter (RFC 9110, section 11.1).
    fn key(&self) -> Result<&'a str, Rejection> {
        let authorization = self.authorization.ok_or(Rejection::MissingCredentials)?;
        let (scheme, key) = authorization.split_once(' ').ok_or(Rejection::Malformed)?;
        if scheme.eq_ignore_ascii_case("bearer") {
            Ok(key.trim())
        } else {
            Err(Rejection::Malformed)
        }
    }
}

/// Assesses one request: size, content type, key, then each entry.
///
/// # Errors
/// Why it is refused; [`Refusal::retry_with_fresh_secret`] shows whether a newer secret could change that.
pub fn assess(received: &IncomingEntries<'_>, senders: &Senders, now: Timestamp) -> Result<ProvenEntries, Refusal> {
    if received.body.len() > MAX_BODY_BYTES {
        return Err(Refusal::Sender(Rejection::TooLarge));
    }
    let format = received.format().ok_or(Refusal::UnsupportedMediaType)?;
    let key = received.key().map_err(Refusal::Sender)?;
    if !senders.is_read {
        return Err(Refusal::Sender(Rejection::NoSecret));
    }
    let producer = senders.producers.holder_of(key);
    let producer = producer.ok_or(Refusal::Sender(Rejection::BadToken))?;
    let batch = validate(received.body, format, producer, now).map_err(|_| Refusal::TooManyEntries);
    Ok(ProvenEntries {
        producer: producer.clone(),
        batch,
    })
}
