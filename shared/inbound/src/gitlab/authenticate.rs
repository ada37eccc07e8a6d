//! Authenticates requests: whether the sender is a GitLab that holds one of our tokens.

use jiff::Timestamp;
use model::{AuthMethod, codes};

use crate::gitlab::delivery::is_identifier;
use crate::gitlab::signature::Signatures;
use crate::gitlab::{DeliveryHeaders, Hook, HookSet};

/// Limits: how far a signed timestamp may differ from the receiver's clock, and the size of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// Seconds, in both directions. Standard Webhooks' own libraries use 300.
    pub seconds: u32,
    /// Bytes of the decoded body.
    pub max_body_bytes: usize,
}

codes! {
    /// Why a request is rejected; the codes are those of the audit log.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Rejection {
        /// The body is larger than accepted.
        TooLarge = "too_large",
        /// Neither a complete signature nor a token is present.
        MissingCredentials = "missing_credentials",
        /// A header in a form that GitLab does not send.
        Malformed = "malformed",
        /// No configured signing token made any of the signatures.
        BadSignature = "bad_signature",
        /// No configured plain token equals the received one.
        BadToken = "bad_token",
        /// Authentic, but the token is not bound to that project.
        WrongScope = "wrong_scope",
        /// No token is configured, so no request can be accepted. The caller answers "unavailable".
        NoSecret = "no_secret",
    }
}

#[derive(Debug, Clone)]
pub struct Authenticated<'h> {
    pub method: AuthMethod,
    /// Every hook with a matching token, never empty; [`crate::gitlab::hook_in_scope`] picks one.
    pub hooks: Vec<&'h Hook>,
    /// Correctly signed, but the timestamp lies outside the tolerance.
    pub stale: bool,
}

/// Authenticates one request over the exact bytes of its body.
///
/// With `webhook-signature` present, `X-Gitlab-Token` is never read: a sender who breaks a signature must not fall back to the
/// weaker proof. Without a usable entry in it no MAC is computed. Otherwise every token is tried once, so the time taken does not
/// reveal which one matched.
///
/// # Errors
/// [`Rejection`]; any but [`Rejection::NoSecret`] is final for this request and these hooks.
pub fn authenticate<'h>(
    headers: &DeliveryHeaders<'_>,
    body: &[u8],
    hooks: &'h HookSet,
    now: Timestamp,
    tolerance: Tolerance,
) -> Result<Authenticated<'h>, Rejection> {
    if body.len() > tolerance.max_body_bytes {
        return Err(Rejection::TooLarge);
    }
    match (
        headers.webhook_signature,
        headers.gitlab_token.filter(|token| !token.is_empty()),
    ) {
        (Some(signature), _) => by_signature(headers, signature, body, hooks, now, tolerance),
        (None, Some(token)) => by_token(headers, token, hooks),
        (None, None) => Err(Rejection::MissingCredentials),
    }
}

fn by_signature<'h>(
    headers: &DeliveryHeaders<'_>,
    signature: &str,
    body: &[u8],
    hooks: &'h HookSet,
    now: Timestamp,
    tolerance: Tolerance,
) -> Result<Authenticated<'h>, Rejection> {
    let (Some(id), Some(timestamp)) = (headers.webhook_id, headers.webhook_timestamp) else {
        return Err(Rejection::MissingCredentials);
    };
    let signatures = Signatures::parse(signature).map_err(|_| Rejection::Malformed)?;
    // A dot in the id would allow two readings of `id.timestamp.body` for one signature; a comma joins duplicates.
    if !is_identifier(id) || id.contains(['.', ',']) {
        return Err(Rejection::Malformed);
    }
    let signed_at = unix_seconds(timestamp).ok_or(Rejection::Malformed)?;
    // Nothing to compare with: an unauthenticated sender could make us compute a MAC over the body for each token.
    if signatures.is_empty() {
        return Err(Rejection::BadSignature);
    }
    if hooks.is_empty() {
        return Err(Rejection::NoSecret);
    }
    let hooks = hooks.signed(&signatures, id, timestamp, body);
    if hooks.is_empty() {
        return Err(Rejection::BadSignature);
    }
    let age = now.as_second().abs_diff(signed_at.as_second());
    Ok(Authenticated {
        method: AuthMethod::HmacSha256,
        hooks,
        stale: age > u64::from(tolerance.seconds),
    })
}

fn by_token<'h>(
    headers: &DeliveryHeaders<'_>,
    token: &str,
    hooks: &'h HookSet,
) -> Result<Authenticated<'h>, Rejection> {
    let joined = |header: Option<&str>| header.is_some_and(|value| value.contains(','));
    if joined(headers.webhook_id) || joined(headers.webhook_timestamp) {
        return Err(Rejection::Malformed);
    }
    if hooks.is_empty() {
        return Err(Rejection::NoSecret);
    }
    let hooks = hooks.with_secret_token(token);
    if !hooks.is_empty() {
        return Ok(Authenticated {
            method: AuthMethod::Token,
            hooks,
            stale: false,
        });
    }
    // A configured token may contain a comma; one that matches nothing is two joined headers.
    Err(if joined(Some(token)) {
        Rejection::Malformed
    } else {
        Rejection::BadToken
    })
}

/// Reads Unix seconds: digits only, within the years that a timestamp can represent.
fn unix_seconds(text: &str) -> Option<Timestamp> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Timestamp::from_second(text.parse().ok()?).ok()
}

#[cfg(test)]
mod tests;
