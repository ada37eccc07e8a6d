//! The assessment of one streamed request by the current streams. Pure.

use http::HeaderMap;
use inbound::gitlab::{Rejection, StreamBody, StreamProblem, StreamSource, StreamTypes, stream_events};

use crate::http::refusal::Refusal;
use crate::http::request::header_text;
use crate::http::response::Ignored;
use crate::senders::Senders;

/// Largest body, in bytes: GitLab labels its JSON as a form, so the gateway passes it as base64, and Lambda accepts 6 MB.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The relevant parts of a request.
#[derive(Clone, Copy)]
pub struct IncomingEvents<'a> {
    /// `X-Gitlab-Event-Streaming-Token`: static, so a body is a claim and never proof.
    token: Option<&'a str>,
    /// `X-Gitlab-Audit-Event-Type`.
    event_type: Option<&'a str>,
    /// `traceparent`.
    pub traceparent: Option<&'a str>,
    /// The exact bytes of the body.
    pub body: &'a [u8],
}

/// The stream that sent a request, and what to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenStream {
    pub source: StreamSource,
    pub events: Result<StreamBody, Ignored>,
}

impl<'a> IncomingEvents<'a> {
    #[must_use]
    pub fn new(headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        let text = |name| header_text(headers, name);
        Self {
            token: text("x-gitlab-event-streaming-token"),
            event_type: text("x-gitlab-audit-event-type"),
            traceparent: text("traceparent"),
            body,
        }
    }
}

/// Assesses one request: size, token, then the events. The content type is not checked: GitLab labels its JSON as a form.
///
/// # Errors
/// Why it is refused; [`Refusal::retry_with_fresh_secret`] shows whether a newer secret could change that.
pub fn assess(received: &IncomingEvents<'_>, senders: &Senders, types: &StreamTypes) -> Result<ProvenStream, Refusal> {
    if received.body.len() > MAX_BODY_BYTES {
        return Err(Refusal::Sender(Rejection::TooLarge));
    }
    let token = received.token.filter(|token| !token.is_empty());
    let token = token.ok_or(Refusal::Sender(Rejection::MissingCredentials))?;
    if !senders.is_read {
        return Err(Refusal::Sender(Rejection::NoSecret));
    }
    let holder = senders.streams.holder_of(token);
    let source = holder.ok_or(Refusal::Sender(Rejection::BadToken))?.clone();
    let events = match stream_events(received.body, received.event_type, types) {
        Err(StreamProblem::TooMany) => return Err(Refusal::Sender(Rejection::TooLarge)),
        Err(StreamProblem::Unreadable) => Err(Ignored::Unparseable),
        Ok(body) if body == StreamBody::default() => Err(Ignored::Empty),
        Ok(body) => Ok(body),
    };
    Ok(ProvenStream { source, events })
}
