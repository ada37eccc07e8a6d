//! Commands that maintenance executes: records an operator request and waits for it.

use std::time::Duration;

use clap::Args;
use model::{Clock, SystemClock};
use serde_json::Value;
use store::{OperatorRequest, OperatorRequestError, Store, StoreError};
use uuid::Uuid;

use crate::output::listing::{plain, span};
use crate::output::terminal::harmless;
use crate::output::{Ending, Failure, remark};

/// Time between two polls of the request.
const PACE: Duration = Duration::from_secs(1);
/// How long the command waits.
const PATIENCE: Duration = Duration::from_mins(5);

/// Options of every such command.
#[derive(Debug, Args)]
pub(crate) struct Waiting {
    /// Return as soon as the request is recorded
    #[arg(long)]
    no_wait: bool,
}

impl From<OperatorRequestError> for Failure {
    fn from(error: OperatorRequestError) -> Self {
        Self::Database(error.to_string())
    }
}

/// Records a request, waits until maintenance has executed it, and shows its result.
pub(crate) async fn request(
    store: &Store,
    waiting: &Waiting,
    command: &str,
    arguments: &Value,
    show: impl Fn(&Value) -> Result<(), Failure>,
) -> Result<Ending, Failure> {
    let id = store
        .record_operator_request(command, arguments, SystemClock.now())
        .await?;
    remark(&format!(
        "request {id} is recorded; maintenance executes it within a minute"
    ));
    if waiting.no_wait {
        return Ok(Ending::Done);
    }
    let finished = wait(store, id).await?;
    let result = finished.result.unwrap_or_default();
    let reason = || harmless(&plain(&result["reason"])).into_owned();
    match finished.exit_code {
        Some(0) => show(&result).map(|()| Ending::Done),
        Some(1) => show(&result).map(|()| Ending::Nothing),
        Some(2) => Err(Failure::Usage(reason())),
        _ => {
            show(&result)?;
            Err(Failure::Database(format!(
                "maintenance could not execute the request {id}"
            )))
        }
    }
}

async fn wait(store: &Store, id: Uuid) -> Result<OperatorRequest, Failure> {
    let began = SystemClock.now();
    let mut shown = String::new();
    loop {
        tokio::time::sleep(PACE).await;
        let state = match store.operator_request(id).await {
            Ok(Some(request)) if request.finished_at.is_some() => return Ok(request),
            Ok(Some(request)) => progress(&request),
            Ok(None) => {
                return Err(Failure::Database(format!(
                    "the request {id} is not in the database any more: was it restored?"
                )));
            }
            // The request is recorded: a short database outage is no reason to give up.
            Err(error @ StoreError::Unavailable(_)) => error.to_string(),
            Err(error) => return Err(error.into()),
        };
        let waited = SystemClock.now().duration_since(began);
        if state != shown {
            remark(&format!("{}: {state}", span(waited.as_secs_f64())));
            shown = state;
        }
        if Duration::try_from(waited).unwrap_or_default() >= PATIENCE {
            return Err(Failure::Database(format!(
                "the request {id} is not finished after {}; it remains recorded and needs no repetition. Its state: SELECT * FROM \
                 operator_requests WHERE id = '{id}'. If it has not been started, see whether maintenance runs (docs/operate/alarms.md, \
                 MaintenanceSilentAlarm)",
                span(PATIENCE.as_secs_f64())
            )));
        }
    }
}

/// The progress of a request.
fn progress(request: &OperatorRequest) -> String {
    let result = request.result.as_ref();
    let number = |name: &str| result.and_then(|result| result[name].as_u64()).unwrap_or(0);
    let done = number("read") + number("nothing_to_read") + number("failed");
    let waits = result.and_then(|result| result["waits"].as_str()).map(harmless);
    match (request.started_at, waits) {
        (Some(_), _) if done == 0 => "maintenance works on it".to_owned(),
        (Some(_), _) => format!("maintenance works on it, {done} done so far"),
        (None, Some(waits)) => format!("{done} done so far, the rest waits: {waits}"),
        (None, None) => "waits for maintenance".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn progress_names_what_a_request_waits_for() {
        let request = |started_at, result| OperatorRequest {
            id: Uuid::nil(),
            command: "reevaluate".to_owned(),
            arguments: Value::Null,
            login: "jane".to_owned(),
            requested_at: Timestamp::UNIX_EPOCH,
            started_at,
            finished_at: None,
            result,
            exit_code: None,
        };
        let (now, part) = (
            Some(Timestamp::UNIX_EPOCH),
            json!({"read": 7, "failed": 1, "waits": "no\u{1b}w"}),
        );
        for (started_at, result, expected) in [
            (None, None, "waits for maintenance"),
            (now, None, "maintenance works on it"),
            (now, Some(part.clone()), "maintenance works on it, 8 done so far"),
            (None, Some(part), "8 done so far, the rest waits: no\u{fffd}w"),
            (now, Some(json!("another form")), "maintenance works on it"),
        ] {
            assert_eq!(progress(&request(started_at, result)), expected);
        }
    }
}
