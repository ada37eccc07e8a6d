//! What a SIEM accepts, over HTTP.

use http::StatusCode;
use serde_json::json;

use super::{SiemDouble, start};
use crate::loopback::send;

const JSON: (&str, &str) = ("content-type", "application/json");

fn post(siem: &SiemDouble, headers: &[(&str, &str)], body: &str) -> u16 {
    send(&siem.url(), "POST", "/audit", headers, body).status
}

#[tokio::test]
async fn entries_are_kept_in_order_once_per_id() {
    let siem = start().await;
    let batch = json!([{"id": "b", "n": 1}, {"id": "a", "n": 2}]);
    assert_eq!(post(&siem, &[JSON], &batch.to_string()), 200);
    assert_eq!(
        post(&siem, &[JSON], &json!([{"id": "a", "n": 2}, {"id": "c"}]).to_string()),
        200
    );
    assert_eq!(
        siem.entries(),
        [
            json!({"id": "b", "n": 1}),
            json!({"id": "a", "n": 2}),
            json!({"id": "c"})
        ]
    );
    assert_eq!(siem.world(|world| world.repeated), 1);
}

#[tokio::test]
async fn refused_batch_is_not_kept_in_part() {
    let siem = start().await;
    for (headers, body) in [
        (&[JSON][..], r#"[{"id": "a"}, {"no": "id"}]"#),
        (&[JSON], r#"{"id": "a"}"#),
        (&[JSON], "[{"),
        (&[], r#"[{"id": "a"}]"#),
    ] {
        assert_eq!(post(&siem, headers, body), StatusCode::BAD_REQUEST, "{body}");
    }
    assert!(siem.entries().is_empty());
}

#[tokio::test]
async fn with_a_token_set_no_other_is_accepted() {
    let siem = start().await;
    siem.world(|world| world.token = Some("right".to_owned()));
    let body = r#"[{"id": "a"}]"#;
    for headers in [&[JSON][..], &[JSON, ("authorization", "Bearer wrong")]] {
        assert_eq!(post(&siem, headers, body), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(post(&siem, &[JSON, ("authorization", "Bearer right")], body), 200);
    assert_eq!(siem.entries().len(), 1);
}

#[tokio::test]
async fn with_a_header_set_no_other_is_accepted() {
    let siem = start().await;
    siem.world(|world| world.header = Some(("x-api-key".to_owned(), "right".to_owned())));
    let body = r#"[{"id": "a"}]"#;
    assert_eq!(
        post(&siem, &[JSON, ("x-api-key", "wrong")], body),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(post(&siem, &[JSON, ("X-API-Key", "right")], body), 200);
}

#[tokio::test]
async fn refused_entry_or_oversized_batch_is_not_kept() {
    let siem = start().await;
    siem.world(|world| {
        world.refused.insert("b".to_owned());
        world.largest = Some(2);
    });
    let batch = |ids: &[&str]| json!(ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>()).to_string();
    assert_eq!(post(&siem, &[JSON], &batch(&["a", "b"])), StatusCode::BAD_REQUEST);
    assert_eq!(
        post(&siem, &[JSON], &batch(&["a", "c", "d"])),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(post(&siem, &[JSON], &batch(&["a", "c"])), 200);
    assert_eq!(siem.ids(), ["a", "c"]);
}

#[tokio::test]
async fn a_key_belongs_to_one_body() {
    let siem = start().await;
    let key = ("idempotency-key", "1-1");
    assert_eq!(post(&siem, &[JSON, key], r#"[{"id": "a"}]"#), 200);
    assert_eq!(post(&siem, &[JSON, key], r#"[{"id": "a"}]"#), 200);
    assert_eq!(
        post(&siem, &[JSON, key], r#"[{"id": "b"}]"#),
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(siem.ids(), ["a"]);
}

#[tokio::test]
async fn entry_set_to_be_lost_is_acknowledged_only() {
    let siem = start().await;
    siem.patch(json!({"lost": ["b"]})).unwrap();
    assert_eq!(post(&siem, &[JSON], r#"[{"id": "a"}, {"id": "b"}]"#), 200);
    assert_eq!(siem.ids(), ["a"]);
}
