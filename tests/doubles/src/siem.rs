//! A double of a SIEM: accepts JSON arrays of audit entries by `POST` on any path, and stores each entry once by its id.
//!
//! Its [`World`] holds the acknowledged entries in order of arrival, without requests that a stub answered. General failures (500,
//! 429 with `Retry-After`, delays, closing before or after the entries are stored) are stubs on the path; failures that depend on
//! the entries are in the world. As `draft-ietf-httpapi-idempotency-key-header` requires, one key with two bodies is rejected.

use std::collections::{BTreeSet, HashMap, HashSet};

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, Double, Received, System};

/// A running double of a SIEM.
pub type SiemDouble = Double<Siem>;

/// Starts a SIEM on a free port of the loopback interface.
pub async fn start() -> SiemDouble {
    Double::start().await
}

impl SiemDouble {
    /// The entries acknowledged since the last reset, oldest first, each once.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        self.world(|world| world.entries.clone())
    }

    /// The ids of [`Self::entries`].
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.entries().iter().filter_map(id).collect()
    }
}

/// What a test may read and change.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// The only bearer token accepted (else 401); any if absent.
    pub token: Option<String>,
    /// The only header accepted as credentials (else 401): name in lower case, and value.
    pub header: Option<(String, String)>,
    /// Ids of rejected entries: a batch with one of them is answered 400 and not stored.
    pub refused: BTreeSet<String>,
    /// The most entries in one batch (else 413).
    pub largest: Option<usize>,
    /// Ids of entries that it acknowledges and loses: with one of them, a completeness check must fail.
    pub lost: BTreeSet<String>,
    /// The entries acknowledged, each once.
    pub entries: Vec<Value>,
    /// How many entries arrived again after they were acknowledged.
    pub repeated: u64,
}

/// A SIEM's behaviour.
#[derive(Debug, Default)]
pub struct Siem {
    world: World,
    known: HashSet<String>,
    keys: HashMap<String, Bytes>,
}

impl System for Siem {
    type World = World;
    const NAME: &'static str = "siem";

    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn answer(&mut self, request: &Received) -> Answer {
        match self.take(request) {
            Ok(accepted) => Answer::json(StatusCode::OK, &json!({ "accepted": accepted })),
            Err((status, reason)) => Answer::text(status, reason),
        }
    }
}

impl Siem {
    /// Stores all entries of a request or none.
    fn take(&mut self, request: &Received) -> Result<usize, (StatusCode, &'static str)> {
        if request.method != Method::POST {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "POST entries here"));
        }
        if !self.world.knows(request) {
            return Err((StatusCode::UNAUTHORIZED, "unknown credentials"));
        }
        let entries = batch(request).map_err(|reason| (StatusCode::BAD_REQUEST, reason))?;
        if self.world.largest.is_some_and(|largest| entries.len() > largest) {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "too many entries"));
        }
        if entries.iter().any(|(id, _)| self.world.refused.contains(id)) {
            return Err((StatusCode::BAD_REQUEST, "an entry is not accepted"));
        }
        if let Some(key) = request.header("idempotency-key") {
            let first = self.keys.entry(key.to_owned()).or_insert_with(|| request.body.clone());
            if *first != request.body {
                return Err((StatusCode::UNPROCESSABLE_ENTITY, "the key belongs to another body"));
            }
        }
        let accepted = entries.len();
        for (id, entry) in entries {
            if self.world.lost.contains(&id) {
                continue;
            }
            if self.known.insert(id) {
                self.world.entries.push(entry);
            } else {
                self.world.repeated += 1;
            }
        }
        Ok(accepted)
    }
}

impl World {
    fn knows(&self, request: &Received) -> bool {
        let is_token = self
            .token
            .as_deref()
            .is_none_or(|only| request.bearer_token() == Some(only));
        let is_header = self
            .header
            .as_ref()
            .is_none_or(|(name, value)| request.header(name) == Some(value));
        is_token && is_header
    }
}

/// The entries of a request with their ids.
fn batch(request: &Received) -> Result<Vec<(String, Value)>, &'static str> {
    if request.header("content-type") != Some("application/json") {
        return Err("the content type is not application/json");
    }
    let entries: Vec<Value> = serde_json::from_slice(&request.body).map_err(|_| "the body is not a JSON array")?;
    let with_id = |entry: Value| id(&entry).map(|id| (id, entry));
    let entries: Option<Vec<_>> = entries.into_iter().map(with_id).collect();
    entries.ok_or("an entry has no id")
}

fn id(entry: &Value) -> Option<String> {
    entry["id"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
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
}
