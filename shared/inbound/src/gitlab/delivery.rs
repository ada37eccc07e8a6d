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
mod tests {
    use super::*;

    const HASH: &str = "9f86d081";

    fn headers() -> DeliveryHeaders<'static> {
        DeliveryHeaders {
            webhook_id: Some("wid"),
            idempotency_key: Some("ikey"),
            event_uuid: Some("uuid"),
            ..DeliveryHeaders::default()
        }
    }

    #[test]
    fn the_best_identity_present_becomes_the_key() {
        let without_key = DeliveryHeaders {
            idempotency_key: None,
            ..headers()
        };
        let nothing = DeliveryHeaders::default();
        let signed = AuthMethod::HmacSha256;
        let cases = [
            (headers(), signed, Some("wid"), Some("wid")),
            (headers(), AuthMethod::Token, Some("ikey"), Some("ikey")),
            (without_key, AuthMethod::Token, Some("uuid:9f86d081"), None),
            (nothing, AuthMethod::Token, None, None),
        ];
        for (headers, method, key, id) in cases {
            let ids = delivery_ids(&headers, method, HASH);
            assert_eq!((ids.key.as_deref(), ids.id.as_deref()), (key, id));
            assert_eq!(ids.event_uuid.as_deref(), headers.event_uuid);
        }
    }

    #[test]
    fn an_unusable_header_names_nothing() {
        let long = "a".repeat(129);
        for bad in ["", "with space", "tab\there", "größe", &long] {
            let headers = DeliveryHeaders {
                idempotency_key: Some(bad),
                event_uuid: Some(bad),
                ..DeliveryHeaders::default()
            };
            let ids = delivery_ids(&headers, AuthMethod::Token, HASH);
            assert_eq!(
                ids,
                DeliveryIds {
                    key: None,
                    id: None,
                    event_uuid: None
                },
                "{bad:?}"
            );
        }
    }
}
