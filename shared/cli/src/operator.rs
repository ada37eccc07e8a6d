//! Commands that maintenance executes: records an operator request and waits for it.

use std::time::Duration;

use clap::Args;
use model::{Clock, SystemClock};
use serde_json::Value;
use store::{OperatorRequest, OperatorRequestError, Store, StoreError};
use uuid::Uuid;

use crate::output::listing::{plain, span};
use crate::output::terminal::sanitize;
use crate::output::{CommandError, Ending, remark};

/// Time between two polls of the request.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long the command waits.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Options of every command that records a request.
#[derive(Debug, Args)]
pub(crate) struct Waiting {
    /// Return as soon as the request is recorded
    #[arg(long)]
    no_wait: bool,
}

impl From<OperatorRequestError> for CommandError {
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
    show: impl Fn(&Value) -> Result<(), CommandError>,
) -> Result<Ending, CommandError> {
    let id = store
        .record_operator_request(command, arguments, SystemClock.now())
        .await?;
    remark(&format!(
        "request {id} recorded; maintenance will execute it within a minute"
    ));
    if waiting.no_wait {
        return Ok(Ending::Done);
    }
    let finished = wait_until_finished(store, id).await?;
    let result = finished.result.unwrap_or_default();
    let reason = || sanitize(&plain(&result["reason"])).into_owned();
    match finished.exit_code {
        Some(0) => show(&result).map(|()| Ending::Done),
        Some(1) => show(&result).map(|()| Ending::Nothing),
        Some(2) => Err(CommandError::Usage(reason())),
        _ => {
            show(&result)?;
            Err(CommandError::Database(format!(
                "maintenance failed to execute request {id}"
            )))
        }
    }
}

async fn wait_until_finished(store: &Store, id: Uuid) -> Result<OperatorRequest, CommandError> {
    let began = SystemClock.now();
    let mut shown = String::new();
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        let state = match store.operator_request(id).await {
            Ok(Some(request)) if request.finished_at.is_some() => return Ok(request),
            Ok(Some(request)) => progress(&request),
            Ok(None) => {
                return Err(CommandError::Database(format!(
                    "request {id} is no longer in the database; was the database restored?"
                )));
            }
            // The request is recorded: the command survives a short database outage.
            Err(error @ StoreError::Unavailable(_)) => error.to_string(),
            Err(error) => return Err(error.into()),
        };
        let waited = SystemClock.now().duration_since(began);
        if state != shown {
            remark(&format!("{}: {state}", span(waited.as_secs_f64())));
            shown = state;
        }
        if Duration::try_from(waited).unwrap_or_default() >= LONGEST_WAIT {
            return Err(CommandError::Database(format!(
                "request {id} has not finished after {}; it is still queued, do not submit it again. Its state: SELECT * FROM \
                 operator_requests WHERE id = '{id}'. If it has not started, check that maintenance runs (docs/operate/alarms.md, \
                 MaintenanceSilentAlarm)",
                span(LONGEST_WAIT.as_secs_f64())
            )));
        }
    }
}

/// The progress of a request.
fn progress(request: &OperatorRequest) -> String {
    let result = request.result.as_ref();
    let number = |name: &str| result.and_then(|result| result[name].as_u64()).unwrap_or(0);
    let done = number("read") + number("nothing_to_read") + number("failed");
    let waits = result.and_then(|result| result["waits"].as_str()).map(sanitize);
    match (request.started_at, waits) {
        (Some(_), _) if done == 0 => "maintenance is executing it".to_owned(),
        (Some(_), _) => format!("maintenance is executing it, {done} done so far"),
        (None, Some(waits)) => format!("{done} done so far, the rest is waiting: {waits}"),
        (None, None) => "waiting for maintenance".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn progress_shows_why_a_request_waits() {
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
            (None, None, "waiting for maintenance"),
            (now, None, "maintenance is executing it"),
            (now, Some(part.clone()), "maintenance is executing it, 8 done so far"),
            (None, Some(part), "8 done so far, the rest is waiting: no\u{fffd}w"),
            (now, Some(json!("another form")), "maintenance is executing it"),
        ] {
            assert_eq!(progress(&request(started_at, result)), expected);
        }
    }
}
