//! The identities of a delivery: its id headers, and its delivery key.

use model::{AuthMethod, DeliveryIds};

/// Longest identifier read from a header, in bytes; GitLab's are UUIDs.
const MAX_ID_BYTES: usize = 128;

/// The request headers that matter, as received. Header names are case-insensitive; the caller looks them up accordingly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryHeaders<'a> {
    /// `webhook-id`; equals `Idempotency-Key`.
    pub webhook_id: Option<&'a str>,
    /// `webhook-timestamp`, Unix seconds.
    pub webhook_timestamp: Option<&'a str>,
    /// `webhook-signature`, a space-separated list of `v1,<base64>`.
    pub webhook_signature: Option<&'a str>,
    /// `X-Gitlab-Token`, the legacy plain secret.
    pub gitlab_token: Option<&'a str>,
    /// `Idempotency-Key` (GitLab 17.4 and later), stable over "Resend".
    pub idempotency_key: Option<&'a str>,
    /// `X-Gitlab-Event-UUID` (14.8 and later), shared by webhooks that other webhooks trigger.
    pub event_uuid: Option<&'a str>,
}

/// Computes the ids of an authenticated delivery.
///
/// The key is `webhook-id` if that was signed, else `Idempotency-Key`, else the event's UUID with the body's hash, because several
/// deliveries can share one UUID. Without all of them every delivery is a new one. `X-Gitlab-Webhook-UUID` differs with each
/// request and identifies nothing.
#[must_use]
pub fn delivery_ids(headers: &DeliveryHeaders<'_>, method: AuthMethod, payload_sha256: &str) -> DeliveryIds {
    let signed = headers.webhook_id.filter(|_| method == AuthMethod::HmacSha256);
    let id = usable(signed).or_else(|| usable(headers.idempotency_key));
    let event_uuid = usable(headers.event_uuid);
    let key = id
        .clone()
        .or_else(|| event_uuid.as_ref().map(|uuid| format!("{uuid}:{payload_sha256}")));
    DeliveryIds { key, id, event_uuid }
}

/// Whether a header is usable as an identifier: 1 to 128 visible ASCII characters.
pub(crate) fn is_identifier(text: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn usable(header: Option<&str>) -> Option<String> {
    header.filter(|text| is_identifier(text)).map(str::to_owned)
}

#[cfg(test)]
mod tests;
