//! What the audit entries of all routes have in common.

use audit::{Context, Entry, FailureClass, Outcome};

use super::context::RequestContext;
use super::refusal::Refusal;
use super::route::Route;

/// Longest text of a sender in an entry, in characters.
const MAX_CHARS: usize = 200;

/// The entry of a request that was rejected before its assessment.
#[must_use]
pub fn refusal_entry(context: &Context, request_context: &RequestContext, route: Route, why: Refusal) -> Entry {
    let outcome = Outcome::Failure(class(why));
    Entry::new(route.action(), context, route.endpoint(), outcome)
        .detail("result", "invalid")
        .detail("reason", why.audit_reason())
        .detail("source_ip", request_context.source_ip.as_deref().map(bounded))
}

pub(crate) fn class(why: Refusal) -> FailureClass {
    if why.is_ours() {
        FailureClass::ServerError
    } else {
        FailureClass::AuthFailure
    }
}

pub(crate) fn bounded(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}
