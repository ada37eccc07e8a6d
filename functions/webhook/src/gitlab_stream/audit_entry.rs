//! The audit entry of one streamed request. It contains no token and no body.

use audit::{Context, Entry, Outcome};
use model::AuthMethod;

use super::assessment::ProvenStream;
use crate::http::audit_entry::{bounded, class};
use crate::http::context::RequestContext;
use crate::http::refusal::Refusal;
use crate::http::route::Route;

/// The entry of an assessed request.
#[must_use]
pub fn stream_entry(
    context: &Context,
    request_context: &RequestContext,
    (body_bytes, payload_sha256): (usize, &str),
    assessment: &Result<ProvenStream, Refusal>,
) -> Entry {
    let (refusal, proven) = (assessment.as_ref().err().copied(), assessment.as_ref().ok());
    let outcome = refusal.map_or(Outcome::Success, |why| Outcome::Failure(class(why)));
    let target = match proven {
        Some(proven) => Route::AuditGitlab.endpoint().at(&proven.source.instance),
        None => Route::AuditGitlab.endpoint(),
    };
    let entry = Entry::new(Route::AuditGitlab.action(), context, target, outcome);
    let (ignored, wanted) = match proven.map(|proven| &proven.events) {
        Some(Ok(wanted)) => (None, Some(wanted)),
        Some(Err(ignored)) => (Some(ignored.as_str()), None),
        None => (None, None),
    };
    entry
        .detail("result", if proven.is_some() { "valid" } else { "invalid" })
        .detail("method", AuthMethod::Token.as_str())
        .detail("reason", refusal.map(Refusal::audit_reason))
        .detail("hook", proven.map(|proven| proven.source.name.as_str()))
        .detail("ignored", ignored)
        .detail("events", wanted.map(|wanted| wanted.events.len()))
        .detail("unwanted_events", wanted.map(|wanted| wanted.unwanted))
        .detail("broken_events", wanted.map(|wanted| wanted.broken))
        .detail("source_ip", request_context.source_ip.as_deref().map(bounded))
        .detail("body_bytes", body_bytes)
        .detail("payload_sha256", payload_sha256)
}
