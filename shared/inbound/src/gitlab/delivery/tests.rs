//! Which header becomes the delivery key.

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
