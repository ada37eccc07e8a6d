//! EventBridge `PutEvents` (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>).

use serde_json::{Value, json};
use uuid::Uuid;

use super::Refusal;

/// The largest event, in bytes.
const LARGEST_EVENT: usize = 256 * 1024;

/// An event on a bus.
#[derive(Debug, Clone, PartialEq)]
pub struct BusEvent {
    /// The bus by name or ARN.
    pub bus: String,
    pub source: String,
    pub detail_type: String,
    pub detail: Value,
    /// The assigned id.
    pub id: String,
}

/// Stores a request's events; each gets its own answer.
pub(super) fn put(taken: &mut Vec<BusEvent>, input: &Value) -> Result<Value, Refusal> {
    let entries = input["Entries"]
        .as_array()
        .filter(|entries| !entries.is_empty() && entries.len() <= 10)
        .ok_or_else(|| Refusal::new("ValidationException", "1 to 10 entries"))?;
    let mut failed = 0;
    let answers: Vec<Value> = entries
        .iter()
        .map(|entry| match event(entry) {
            Ok(event) => {
                let id = event.id.clone();
                taken.push(event);
                json!({"EventId": id})
            }
            Err(reason) => {
                failed += 1;
                json!({"ErrorCode": "MalformedDetail", "ErrorMessage": reason})
            }
        })
        .collect();
    Ok(json!({"FailedEntryCount": failed, "Entries": answers}))
}

fn event(entry: &Value) -> Result<BusEvent, &'static str> {
    let text = |name: &str| entry[name].as_str().map(str::to_owned);
    let detail = text("Detail")
        .filter(|detail| detail.len() <= LARGEST_EVENT)
        .ok_or("Detail is missing or too large")?;
    let detail: Value = serde_json::from_str(&detail).map_err(|_| "Detail is malformed.")?;
    if !detail.is_object() {
        return Err("Detail is malformed.");
    }
    Ok(BusEvent {
        bus: text("EventBusName").unwrap_or_else(|| "default".to_owned()),
        source: text("Source").ok_or("Source is missing")?,
        detail_type: text("DetailType").ok_or("DetailType is missing")?,
        detail,
        id: Uuid::now_v7().to_string(),
    })
}
