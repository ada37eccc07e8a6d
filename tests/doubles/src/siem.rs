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
mod tests;
