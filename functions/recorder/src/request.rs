//! Requests to the function: log lines, messages of its two queues, or the schedule's jobs.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::InvocationReport;

/// What runs every minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecorderJob {
    /// Assign positions to waiting lines, and find what is missing.
    Sequence,
    /// Send what the destinations do not have yet.
    Forward,
}

/// The event of a CloudWatch Logs subscription
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsEvent {
    pub(crate) awslogs: Packed,
}

/// JSON in gzip and base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Packed {
    pub(crate) data: String,
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packed").field("bytes", &self.data.len()).finish()
    }
}

#[derive(Debug, Clone)]
pub enum RecorderRequest {
    /// Lines of the other functions.
    Logs(LogsEvent),
    /// Lines that could not be stored on arrival, or entries of other services.
    Messages(SqsEvent),
    /// `{"jobs": ["sequence", "forward"]}`: executed in this order.
    Jobs(Vec<RecorderJob>),
}

impl<'de> Deserialize<'de> for RecorderRequest {
    /// By the one member of each form: an error then names the wrong field within it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut event = Value::deserialize(deserializer)?;
        let request = if event.get("awslogs").is_some() {
            serde_json::from_value(event).map(Self::Logs)
        } else if event.get("Records").is_some() {
            serde_json::from_value(event).map(Self::Messages)
        } else if let Some(jobs) = event.get_mut("jobs") {
            serde_json::from_value(jobs.take()).map(Self::Jobs)
        } else {
            return Err(serde::de::Error::custom(
                "event must have one of awslogs, Records or jobs",
            ));
        };
        request.map_err(|error| serde::de::Error::custom(format!("event is invalid: {:?}", error.classify())))
    }
}

/// A message of the retry queue: a logs event from this function, or Lambda's record of a permanently failed asynchronous invocation
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-async-destinations>).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum RetryMessage {
    Logs(LogsEvent),
    /// Lambda's, about a logs event.
    FailedLogs {
        #[serde(rename = "requestPayload")]
        payload: LogsEvent,
    },
    /// Lambda's, about a run of jobs, which the next run has made up for.
    FailedJobs {
        #[serde(rename = "requestPayload")]
        _payload: Jobs,
    },
}

#[derive(Debug, Deserialize)]
pub(crate) struct Jobs {
    #[serde(rename = "jobs")]
    _jobs: Vec<RecorderJob>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum RecorderResponse {
    /// To log lines and to jobs; for manual invocations.
    Done(InvocationReport),
    /// To messages: those to redeliver.
    Messages(SqsBatchResponse),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_three_events_are_distinguished() {
        let read = |value| serde_json::from_value::<RecorderRequest>(value);
        assert!(matches!(
            read(json!({"awslogs": {"data": "H4sI"}})),
            Ok(RecorderRequest::Logs(_))
        ));
        let jobs = read(json!({"jobs": ["sequence", "forward"]}));
        assert!(
            matches!(jobs, Ok(RecorderRequest::Jobs(jobs)) if jobs == [RecorderJob::Sequence, RecorderJob::Forward])
        );
        let record = json!({"messageId": "m", "body": "{}", "attributes": {}, "messageAttributes": {}});
        let messages = read(json!({"Records": [record]}));
        assert!(matches!(messages, Ok(RecorderRequest::Messages(event)) if event.records.len() == 1));
        for unknown in [
            json!({}),
            json!({"jobs": ["drop_tables"]}),
            json!({"awslogs": 1}),
            json!([]),
        ] {
            assert!(read(unknown.clone()).is_err(), "{unknown}");
        }
    }

    #[test]
    fn unreadable_event_is_not_repeated_in_the_error() {
        let error = serde_json::from_value::<RecorderRequest>(json!({"awslogs": {"data": ["hunter2"]}})).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn own_messages_and_lambda_records_are_both_read() {
        let read = |value: Value| serde_json::from_str::<RetryMessage>(&value.to_string());
        let logs = json!({"awslogs": {"data": "H4sI"}});
        assert!(matches!(read(logs.clone()), Ok(RetryMessage::Logs(_))));
        let record = |payload: Value| {
            json!({
                "version": "1.0", "timestamp": "2026-03-02T10:15:04.231Z",
                "requestContext": {"requestId": "r", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
                "requestPayload": payload, "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
                "responsePayload": {"errorMessage": "x"},
            })
        };
        assert!(matches!(read(record(logs)), Ok(RetryMessage::FailedLogs { .. })));
        assert!(matches!(
            read(record(json!({"jobs": ["forward"]}))),
            Ok(RetryMessage::FailedJobs { .. })
        ));
        assert!(read(record(json!({"other": 1}))).is_err());
        assert!(read(json!({})).is_err());
    }
}
