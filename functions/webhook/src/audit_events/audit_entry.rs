//! The audit entry of one request of a producer. It contains no key and no body.

use audit::{Context, Entry, Outcome};

use super::assessment::ProvenEntries;
use crate::http::audit_entry::{bounded, class};
use crate::http::context::RequestContext;
use crate::http::refusal::Refusal;
use crate::http::route::Route;

/// The entry of an assessed request.
#[must_use]
pub fn producer_entry(
    context: &Context,
    request_context: &RequestContext,
    body_bytes: usize,
    assessment: &Result<ProvenEntries, Refusal>,
) -> Entry {
    let refusal = match assessment {
        Ok(proven) => proven.batch.as_ref().err().copied(),
        Err(refusal) => Some(*refusal),
    };
    let outcome = refusal.map_or(Outcome::Success, |why| Outcome::Failure(class(why)));
    let entry = Entry::new(
        Route::AuditEvents.action(),
        context,
        Route::AuditEvents.endpoint(),
        outcome,
    );
    let proven = assessment.as_ref().ok();
    let batch = proven.and_then(|proven| proven.batch.as_ref().ok());
    entry
        .detail("result", if proven.is_some() { "valid" } else { "invalid" })
        .detail("reason", refusal.map(Refusal::audit_reason))
        .detail("producer", proven.map(|proven| proven.producer.name.as_str()))
        .detail("accepted", batch.map(|batch| batch.accepted.len()))
        .detail("rejected", batch.map(|batch| batch.rejected.len()))
        .detail(
            "rejected_because",
            batch
                .and_then(|batch| batch.rejected.first())
                .map(|entry| entry.reason.as_str()),
        )
        .detail("source_ip", request_context.source_ip.as_deref().map(bounded))
        .detail("body_bytes", body_bytes)
}
