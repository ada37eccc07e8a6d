//! Every accepted credential and every rejection.

use proptest::prelude::*;

use super::*;
use crate::gitlab::{SigningToken, WebhookSecret, sign};

mod rejections;

const CURRENT: &str = "whsec_Y291bnRlcnNpZ24tdGVzdC1rZXktb2YtMzItYnl0ZXM=";
const PREVIOUS: &str = "whsec_cHJldmlvdXMta2V5LW9mLWV4YWN0bHktMzItYnl0ZXM=";
const STRANGER: &str = "whsec_c29tZWJvZHktZWxzZXMta2V5LW9mLTMyLWJ5dGVzISE=";
const ID: &str = "0198c1de-7a54-7cc1-9f0a-3f1d5a6b7c8d";
const NOW: i64 = 1_767_225_600;
const BODY: &[u8] = b"{\"object_kind\":\"merge_request\"}";
const TOLERANCE: Tolerance = Tolerance {
    seconds: 300,
    max_body_bytes: 1_000,
};

fn hooks() -> HookSet {
    let json = format!(
        r#"{{"hooks": [
            {{"name": "main", "instance": "gitlab", "signing_tokens": ["{CURRENT}", "{PREVIOUS}"], "secret_tokens": ["first", "with,comma"]}},
            {{"name": "other", "instance": "gitlab", "signing_tokens": ["{CURRENT}"], "secret_tokens": ["second", "first"]}}]}}"#
    );
    HookSet::merge([WebhookSecret::parse(&json.into()).unwrap()]).0
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn signature(token: &str, id: &str, timestamp: &str) -> String {
    sign(&SigningToken::parse(token).unwrap(), id, timestamp, BODY)
}

fn signed<'a>(id: &'a str, timestamp: &'a str, signature: &'a str) -> DeliveryHeaders<'a> {
    DeliveryHeaders {
        webhook_id: Some(id),
        webhook_timestamp: Some(timestamp),
        webhook_signature: Some(signature),
        ..DeliveryHeaders::default()
    }
}

fn token(token: &str) -> DeliveryHeaders<'_> {
    DeliveryHeaders {
        gitlab_token: Some(token),
        ..DeliveryHeaders::default()
    }
}

fn verdict(headers: &DeliveryHeaders<'_>) -> Result<(AuthMethod, Vec<String>, bool), Rejection> {
    let hooks = hooks();
    let proof = authenticate(headers, BODY, &hooks, now(), TOLERANCE)?;
    Ok((
        proof.method,
        proof.hooks.iter().map(|hook| hook.name.clone()).collect(),
        proof.stale,
    ))
}

#[test]
fn signature_by_any_token_names_all_its_hooks() {
    let timestamp = NOW.to_string();
    for (key, names) in [(CURRENT, vec!["main", "other"]), (PREVIOUS, vec!["main"])] {
        let header = signature(key, ID, &timestamp);
        let (method, hooks, stale) = verdict(&signed(ID, &timestamp, &header)).unwrap();
        assert_eq!((method, stale), (AuthMethod::HmacSha256, false));
        assert_eq!(hooks, names);
    }
}

#[test]
fn plain_token_is_accepted_as_token_method() {
    for (value, names) in [
        ("first", vec!["main", "other"]),
        ("second", vec!["other"]),
        ("with,comma", vec!["main"]),
    ] {
        let (method, hooks, stale) = verdict(&token(value)).unwrap();
        assert_eq!((method, stale), (AuthMethod::Token, false));
        assert_eq!(hooks, names);
    }
}

#[test]
fn timestamp_outside_window_is_authentic_but_stale() {
    for (offset, stale) in [
        (0, false),
        (300, false),
        (-300, false),
        (301, true),
        (-301, true),
        (-1_767_225_600, true),
    ] {
        let timestamp = (NOW + offset).to_string();
        let header = signature(CURRENT, ID, &timestamp);
        assert_eq!(verdict(&signed(ID, &timestamp, &header)).unwrap().2, stale, "{offset}");
    }
}

#[test]
fn valid_token_does_not_rescue_bad_signature() {
    let timestamp = NOW.to_string();
    let forged = signature(STRANGER, ID, &timestamp);
    for header in [forged.as_str(), "", "v2,abc", "v1,"] {
        let headers = DeliveryHeaders {
            gitlab_token: Some("first"),
            ..signed(ID, &timestamp, header)
        };
        assert_eq!(verdict(&headers).unwrap_err(), Rejection::BadSignature, "{header:?}");
    }
}

#[test]
fn wrong_token_does_not_affect_good_signature() {
    let timestamp = NOW.to_string();
    let header = signature(CURRENT, ID, &timestamp);
    let headers = DeliveryHeaders {
        gitlab_token: Some("wrong"),
        ..signed(ID, &timestamp, &header)
    };
    assert_eq!(verdict(&headers).unwrap().0, AuthMethod::HmacSha256);
}

#[test]
fn a_large_body_is_refused_before_anything_else() {
    let hooks = hooks();
    let body = vec![b'a'; 1_001];
    let refused = authenticate(&DeliveryHeaders::default(), &body, &hooks, now(), TOLERANCE);
    assert_eq!(refused.unwrap_err(), Rejection::TooLarge);
    let allowed = authenticate(&token("first"), &body[1..], &hooks, now(), TOLERANCE);
    assert!(allowed.is_ok());
}

#[test]
fn without_any_token_configured_nothing_is_accepted() {
    let timestamp = NOW.to_string();
    let header = signature(CURRENT, ID, &timestamp);
    let empty = HookSet::default();
    for headers in [signed(ID, &timestamp, &header), token("first")] {
        assert_eq!(
            authenticate(&headers, BODY, &empty, now(), TOLERANCE).unwrap_err(),
            Rejection::NoSecret
        );
    }
}

#[test]
fn an_unusable_signature_is_rejected_before_any_token() {
    let timestamp = NOW.to_string();
    let none = HookSet::default();
    for header in ["", "v1,", "v1,YQ==", "v2,x", "nonsense", "v1,not-base64"] {
        let headers = signed(ID, &timestamp, header);
        let rejection = authenticate(&headers, BODY, &none, now(), TOLERANCE).unwrap_err();
        assert_eq!(rejection, Rejection::BadSignature, "{header:?}");
    }
}

#[test]
fn only_signing_tokens_verify_signatures() {
    let json = format!(r#"{{"hooks": [{{"name": "a", "instance": "i", "secret_tokens": ["{CURRENT}"]}}]}}"#);
    let hooks = HookSet::merge([WebhookSecret::parse(&json.into()).unwrap()]).0;
    let timestamp = NOW.to_string();
    let header = signature(CURRENT, ID, &timestamp);
    let result = authenticate(&signed(ID, &timestamp, &header), BODY, &hooks, now(), TOLERANCE);
    assert_eq!(result.unwrap_err(), Rejection::BadSignature);
}

proptest! {
    #[test]
    fn no_random_request_panics_or_is_accepted(
        id in proptest::option::of(any::<String>()),
        timestamp in proptest::option::of(any::<String>()),
        signature in proptest::option::of("(v1,[A-Za-z0-9+/]{43}=?[ ,]?){0,3}|.*"),
        token in proptest::option::of(any::<String>()),
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let headers = DeliveryHeaders {
            webhook_id: id.as_deref(),
            webhook_timestamp: timestamp.as_deref(),
            webhook_signature: signature.as_deref(),
            gitlab_token: token.as_deref(),
            idempotency_key: id.as_deref(),
            event_uuid: token.as_deref(),
        };
        prop_assert!(authenticate(&headers, &body, &hooks(), now(), TOLERANCE).is_err());
        let ids = crate::gitlab::delivery_ids(&headers, AuthMethod::Token, &model::sha256_hex(&body));
        prop_assert!(ids.key.is_none_or(|key| key.len() <= 193));
    }
}
