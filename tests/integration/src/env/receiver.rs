//! A receiver of audit entries over HTTP: accepts JSON arrays, and can reject those that contain certain ids.

use std::collections::BTreeSet;

use doubles::{Answer, Double, Received, System};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A running receiver.
pub(crate) type ReceiverDouble = Double<Receiver>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReceiverState {
    /// Every accepted entry, including repetitions.
    pub(crate) taken: Vec<Value>,
    /// The size of each accepted batch.
    pub(crate) batches: Vec<usize>,
    /// Ids of entries that it rejects with 422, with the whole batch.
    pub(crate) refused: BTreeSet<String>,
    /// Rejects everything.
    pub(crate) refuses_everything: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Receiver {
    state: ReceiverState,
}

impl System for Receiver {
    type World = ReceiverState;
    const NAME: &'static str = "receiver";

    fn world(&mut self) -> &mut ReceiverState {
        &mut self.state
    }

    fn answer(&mut self, request: &Received) -> Answer {
        let Ok(batch) = serde_json::from_slice::<Vec<Value>>(&request.body) else {
            return Answer::text(StatusCode::BAD_REQUEST, "no array");
        };
        if request.method != Method::POST || request.header("authorization") != Some("Bearer siem-token") {
            return Answer::text(StatusCode::FORBIDDEN, "no");
        }
        let refused = |entry: &Value| entry["id"].as_str().is_some_and(|id| self.state.refused.contains(id));
        if self.state.refuses_everything || batch.iter().any(refused) {
            return Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": "no"}));
        }
        self.state.batches.push(batch.len());
        self.state.taken.extend(batch);
        Answer::json(StatusCode::OK, &json!({"ok": true}))
    }
}
