//! `countersign reevaluate`: reads GitLab again without waiting for the schedule.

use std::io::Write as _;

use clap::Args;
use model::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::args::database::{Database, Login};
use crate::args::instant::{Instant, Period};
use crate::args::merge_request::{MergeRequestName, unknown_merge_request};
use crate::operator::{Waiting, request};
use crate::output::listing::plain;
use crate::output::terminal::sanitize;
use crate::output::{CommandError, Ending, counted, standard};

/// Read GitLab again now for a merge request whose decision is unconfirmed or missing, or for all of them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign reevaluate payments/gateway!811
  countersign reevaluate --unconfirmed
  countersign reevaluate --unconfirmed --since 2026-11-23 --no-wait

Unconfirmed decisions are read again automatically; this command does not wait for the schedule, for instance after a token was replaced.
A confirmed decision is frozen and is not read again. Re-reads use at most 60 requests per minute and instance: the command stops waiting
after 5 minutes, and the request continues. `countersign unconfirmed` lists unconfirmed decisions.
The maintenance function executes the request within a minute. The login needs the role countersign_operator.
Exit codes: 0 recorded and read, 1 nothing to read again, 2 invalid command line, 3 database error, or not finished after 5 minutes,
4 output error.")]
pub(crate) struct Arguments {
    /// The merge request: 7301!811, main/7301!811 or payments/gateway!811
    #[arg(value_name = "PROJECT!IID", value_parser = MergeRequestName::parse, required_unless_present = "unconfirmed", conflicts_with = "unconfirmed")]
    merge_request: Option<MergeRequestName>,
    /// Every unconfirmed decision, and every merge without a decision
    #[arg(long)]
    unconfirmed: bool,
    /// Only merge requests first seen since this time: 2026-11-23T12:00:00Z, 2026-11-23, or a duration before now: 30m, 24h, 7d
    #[arg(long, value_name = "TIME", value_parser = Instant::parse, requires = "unconfirmed", conflicts_with = "merge_request")]
    since: Option<Instant>,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    database: Database,
}

impl Arguments {
    pub(crate) async fn run(&self) -> Result<Ending, CommandError> {
        let period = Period::of(self.since, None, SystemClock.now())?;
        let store = self.database.open(Login::Operator).await?;
        let arguments = match &self.merge_request {
            Some(named) => match named.find(&store).await? {
                Some(key) => json!({"merge_request": key}),
                None => return Ok(unknown_merge_request(named)),
            },
            None => json!({"unconfirmed": true, "since": period.since}),
        };
        request(&store, &self.waiting, "reevaluate", &arguments, show).await
    }
}

fn show(result: &Value) -> Result<(), CommandError> {
    let mut out = standard();
    writeln!(out, "{}", summary(result))?;
    for error in result["errors"].as_array().into_iter().flatten() {
        writeln!(out, "  {}", sanitize(&plain(error)))?;
    }
    if let Some(waits) = result["waits"].as_str() {
        writeln!(out, "  {}", sanitize(waits))?;
    }
    Ok(out.flush()?)
}

/// `3 merge requests read (2 approved, 1 unconfirmed), 1 with nothing to read again, 0 failed`.
fn summary(result: &Value) -> String {
    let number = |name: &str| result[name].as_u64().unwrap_or(0);
    let outcomes: Vec<_> = result["outcomes"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(outcome, count)| format!("{} {}", plain(count), sanitize(outcome)))
        .collect();
    let outcomes = if outcomes.is_empty() {
        String::new()
    } else {
        format!(" ({})", outcomes.join(", "))
    };
    format!(
        "{} read{outcomes}, {} with nothing to read again, {} failed",
        counted(number("read"), "merge request", "merge requests"),
        number("nothing_to_read"),
        number("failed")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_each_outcome() {
        let result =
            json!({"read": 3, "outcomes": {"approved": 2, "unconfirmed": 1}, "nothing_to_read": 1, "failed": 0});
        assert_eq!(
            summary(&result),
            "3 merge requests read (2 approved, 1 unconfirmed), 1 with nothing to read again, 0 failed"
        );
        assert_eq!(
            summary(&Value::Null),
            "0 merge requests read, 0 with nothing to read again, 0 failed"
        );
    }
}
