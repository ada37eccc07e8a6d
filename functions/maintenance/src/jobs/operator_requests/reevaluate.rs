//! `reevaluate`: reads GitLab again for one merge request, or for every unconfirmed decision and undecided merge.

use std::collections::BTreeMap;
use std::time::Duration;

use app::{App, AppError, DeliveryOutcome, Reevaluated};
use audit::Context;
use jiff::Timestamp;
use model::MergeRequestKey;
use runtime::Deadline;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{OperatorRequest, StoreError, UnconfirmedFilter};

use super::executed::{Executed, exit};
use crate::Maintenance;

pub(super) const COMMAND: &str = "reevaluate";

/// How many merge requests are listed at a time.
const PAGE: u32 = 50;
/// No further re-read is started with less than this left.
const MIN_TIME_LEFT: Duration = Duration::from_secs(12);
/// Requests that one re-read may take from the instance's budget.
const REQUESTS: i32 = 8;
/// Errors that are kept with the result.
const MOST_ERRORS: usize = 10;

/// What to read again. An argument of a newer version must not be ignored.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    merge_request: Option<MergeRequestKey>,
    #[serde(default)]
    unconfirmed: bool,
    since: Option<Timestamp>,
}

/// The progress of a request, and also its result.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Progress {
    /// Merge requests for which GitLab was read.
    read: u64,
    outcomes: BTreeMap<String, u64>,
    /// Merge requests that were confirmed already, or without a known merge.
    nothing_to_read: u64,
    /// Merge requests that failed.
    failed: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
    /// Those up to this one are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<MergeRequestKey>,
    /// Why it continues later.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<String>,
}

/// Why the work pauses.
enum Pause {
    /// There is no time left in this run.
    Time,
    /// The requests of this minute to the instance are used up.
    Budget(String),
    Store(StoreError),
}

impl From<StoreError> for Pause {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Maintenance {
    /// Works on a request until it is done or the time is over; with `last` it is always finished.
    pub(super) async fn reevaluate(
        &self,
        app: &App,
        context: &Context,
        request: &OperatorRequest,
        deadline: &Deadline,
        last: bool,
    ) -> Executed {
        let Ok(arguments) = serde_json::from_value::<Arguments>(request.arguments.clone()) else {
            return Executed::rejected(
                "cannot parse the arguments: use the countersign command of the deployed release",
            );
        };
        // 1. Continue where an earlier run stopped. Unreadable progress is discarded; reading twice changes nothing.
        let stored = request.result.clone().map(serde_json::from_value);
        let mut progress: Progress = stored.and_then(Result::ok).unwrap_or_default();
        progress.waits = None;
        // 2. Read until everything is done or the work must pause.
        let result = match (&arguments.merge_request, arguments.unconfirmed) {
            (Some(key), false) => self.read_one(app, context, key, deadline, &mut progress).await,
            (None, true) => {
                let filter = UnconfirmedFilter {
                    instance: None,
                    since: arguments.since,
                };
                self.read_all(app, context, &filter, deadline, &mut progress).await
            }
            _ => return Executed::rejected("specify either one merge request or all unconfirmed ones"),
        };
        let reason = match result {
            Ok(()) => None,
            Err(Pause::Time) => Some("the next run continues".to_owned()),
            Err(Pause::Budget(instance)) => Some(format!("this minute's request budget for {instance} is used up")),
            Err(Pause::Store(error)) => {
                tracing::warn!(request = %request.id, error = %error, "an operator request is waiting for the database");
                Some(error.to_string())
            }
        };
        // 3. Leave the rest to the next run, unless this is the last one.
        match reason {
            None => progress.finished(),
            Some(reason) if last => {
                progress.waits = Some(format!(
                    "gave up after a day; submit the request again. Last reason: {reason}"
                ));
                progress.finished()
            }
            Some(reason) => {
                progress.waits = Some(reason);
                Executed::Unfinished {
                    progress: json!(progress),
                }
            }
        }
    }

    async fn read_all(
        &self,
        app: &App,
        context: &Context,
        filter: &UnconfirmedFilter,
        deadline: &Deadline,
        progress: &mut Progress,
    ) -> Result<(), Pause> {
        loop {
            let page = app.store().unconfirmed(filter, progress.after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            for listed in page {
                let key = listed.merge_request;
                self.read_one(app, context, &key, deadline, progress).await?;
                progress.after = Some(key);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    async fn read_one(
        &self,
        app: &App,
        context: &Context,
        key: &MergeRequestKey,
        deadline: &Deadline,
        progress: &mut Progress,
    ) -> Result<(), Pause> {
        if deadline.remaining() < MIN_TIME_LEFT {
            return Err(Pause::Time);
        }
        let has_budget = async || {
            let now = self.clock.now();
            let store = app.store();
            store.has_reread_budget(&key.instance, REQUESTS, now).await
        };
        if !has_budget().await? {
            return Err(Pause::Budget(key.instance.clone()));
        }
        match Box::pin(app::reevaluate(app, context, key)).await {
            Ok(Reevaluated::NothingToRead) => progress.nothing_to_read += 1,
            Ok(Reevaluated::Read(report)) => {
                // Scheduled re-reads may have used the budget in between, and then nothing was read.
                if matches!(report.outcome, DeliveryOutcome::Unconfirmed { .. }) && !has_budget().await? {
                    return Err(Pause::Budget(key.instance.clone()));
                }
                self.outbox.enqueue_all(&report.effects).await;
                let outcome = report.outcome.as_str();
                self.metrics.count_by("verdicts", "outcome", outcome, 1);
                for metric in report.counted() {
                    self.metrics.count(metric, 1);
                }
                progress.read += 1;
                *progress.outcomes.entry(outcome.to_owned()).or_default() += 1;
            }
            // The database is unavailable or busy: all others would fail too.
            Err(AppError(error @ (StoreError::Unavailable(_) | StoreError::LoginRefused(_)))) => {
                return Err(Pause::Store(error));
            }
            // One row must not stop the others.
            Err(error) => {
                tracing::error!(merge_request = %key, error = %error, "failed to re-read a merge request");
                progress.failed += 1;
                if progress.errors.len() < MOST_ERRORS {
                    progress.errors.push(format!("{key}: {error}"));
                }
            }
        }
        Ok(())
    }
}

impl Progress {
    fn finished(self) -> Executed {
        let exit_code = match (self.read, self.failed) {
            (0, 0) => exit::NOTHING,
            (0, _) => exit::DATABASE,
            _ => exit::DONE,
        };
        Executed::Finished {
            result: json!(self),
            exit_code,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse_arguments(arguments: Value) -> Option<Arguments> {
        serde_json::from_value(arguments).ok()
    }

    #[test]
    fn an_argument_of_a_newer_version_is_rejected() {
        let key = json!({"instance": "main", "project_id": 7301, "mr_iid": 811});
        let one = parse_arguments(json!({"merge_request": key})).unwrap();
        assert_eq!(one.merge_request.unwrap().to_string(), "main/7301!811");
        let all = parse_arguments(json!({"unconfirmed": true, "since": null})).unwrap();
        assert!(all.unconfirmed && all.since.is_none());
        let since = parse_arguments(json!({"unconfirmed": true, "since": "2026-11-23T00:00:00Z"})).unwrap();
        assert_eq!(since.since, "2026-11-23T00:00:00Z".parse().ok());
        for arguments in [
            json!({"merge_request": key, "and_children": true}),
            json!({"merge_request": "main/7301!811"}),
            json!({"unconfirmed": true, "since": "yesterday"}),
            json!(["main/7301!811"]),
            json!(null),
        ] {
            assert!(parse_arguments(arguments.clone()).is_none(), "{arguments}");
        }
    }

    #[test]
    fn the_exit_code_follows_from_what_was_read() {
        for (read, nothing_to_read, failed, expected) in [
            (0, 0, 0, exit::NOTHING),
            (0, 3, 0, exit::NOTHING),
            (2, 1, 0, exit::DONE),
            (2, 0, 1, exit::DONE),
            (0, 2, 1, exit::DATABASE),
        ] {
            let progress = Progress {
                read,
                nothing_to_read,
                failed,
                ..Progress::default()
            };
            let Executed::Finished { exit_code, .. } = progress.finished() else {
                panic!("not finished");
            };
            assert_eq!(exit_code, expected, "{read} {nothing_to_read} {failed}");
        }
    }

    #[test]
    fn a_later_run_continues_where_one_stopped() {
        let progress = Progress {
            read: 2,
            outcomes: [("approved".to_owned(), 2)].into(),
            after: parse_arguments(json!({"merge_request": {"instance": "main", "project_id": 77, "mr_iid": 1}}))
                .and_then(|arguments| arguments.merge_request),
            waits: Some("the next run continues".to_owned()),
            ..Progress::default()
        };
        assert_eq!(serde_json::from_value::<Progress>(json!(progress)).unwrap(), progress);
    }

    /// Rows outlive the release that wrote them: `countersign` shows these names, and a later run reads them.
    #[test]
    fn a_stored_result_keeps_its_names() {
        let key = json!({"instance": "main", "project_id": 7301, "mr_iid": 811});
        let full = json!({
            "read": 3, "outcomes": {"approved": 2, "exception": 1}, "nothing_to_read": 4, "failed": 1,
            "errors": ["main/7301!811: the database"], "after": key, "waits": "the next run continues",
        });
        let sparse = json!({"read": 0, "outcomes": {}, "nothing_to_read": 0, "failed": 0});
        for stored in [full, sparse] {
            let progress: Progress = serde_json::from_value(stored.clone()).unwrap();
            assert_eq!(json!(progress), stored);
        }
        let written = Progress {
            read: 3,
            outcomes: [("approved".to_owned(), 3)].into(),
            errors: vec!["x".to_owned()],
            ..Progress::default()
        };
        let stored =
            json!({"read": 3, "outcomes": {"approved": 3}, "nothing_to_read": 0, "failed": 0, "errors": ["x"]});
        assert_eq!(json!(written), stored);
        assert_eq!(
            json!(Progress::default()),
            json!({"read": 0, "outcomes": {}, "nothing_to_read": 0, "failed": 0})
        );
    }
}
