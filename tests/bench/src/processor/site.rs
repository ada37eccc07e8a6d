//! A processor on its database, and the cost of a batch there.

use std::path::Path;
use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

use super::super::baseline::Baseline;
use super::super::binaries::Binaries;
use super::super::load::{self, BATCH, Form, Kind};
use super::super::process::{self, Process};
use super::super::stage::Stage;
use super::super::{Result, prefill, progress};
use doubles::postgres;

/// The ledger has at most this many rows, however many events there are.
const MOST_REVIEWS: u64 = 1_000_000;

/// Version of a processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Version {
    /// This version, with this many rows.
    This { rows: u64 },
    /// The baseline of this commit, on an empty table.
    Baseline { commit: String },
}

/// A processor on one database.
pub(super) struct Site {
    pub(super) version: Version,
    pub(super) stage: Stage,
    process: Process,
}

/// CPU time of the function, of its Postgres backends, and of the doubles with the rest of this program.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) processor: Duration,
    pub(super) postgres: Duration,
    pub(super) doubles: Duration,
}

impl Site {
    /// This version, with this many event rows and a ledger of as many reviews.
    pub(super) async fn of_this(binaries: &Binaries, rows: u64) -> Result<Self> {
        let stage = Stage::new().await;
        if rows > 0 {
            progress(&format!("processor: filling a table with {rows} rows"));
            prefill::fill(&stage, rows).await?;
            prefill::fill_ledger(&stage.database, rows.min(MOST_REVIEWS)).await?;
        }
        let variables = stage.variables();
        Self::start(Version::This { rows }, stage, &binaries.path("processor"), &variables).await
    }

    /// The baseline, on an empty database with its own schema.
    pub(super) async fn of_baseline(baseline: &Baseline) -> Result<Self> {
        let stage = Stage::on(baseline.database().await?).await;
        let mut variables = stage.variables();
        variables.push(("RULES_PATH", baseline.rules().display().to_string()));
        let version = Version::Baseline {
            commit: baseline.name().to_owned(),
        };
        Self::start(version, stage, &baseline.processor(), &variables).await
    }

    async fn start(version: Version, stage: Stage, binary: &Path, variables: &[(&str, String)]) -> Result<Self> {
        let process = Process::start(binary, variables).await?;
        process.started().await?;
        Ok(Self {
            version,
            stage,
            process,
        })
    }

    /// Sends it the batch that begins with this number; returns its duration and the doubles' CPU time meanwhile.
    pub(super) async fn batch(&self, kind: Kind, begin: u64) -> Result<(Duration, Duration)> {
        let numbers = begin..begin + BATCH;
        self.stage.wipe();
        self.stage
            .gitlab
            .world(|world| load::show_merge_requests(world, kind, numbers.clone()));
        let form = match self.version {
            Version::This { .. } => Form::Current,
            Version::Baseline { .. } => Form::Earlier,
        };
        let event = load::batch(kind, form, numbers)?;
        let before = process::time_of(std::process::id())?;
        let (wall, answer) = self.process.invoke(event).await?;
        let doubles = process::time_of(std::process::id())?.saturating_sub(before);
        if answer["batchItemFailures"]
            .as_array()
            .is_none_or(|failures| !failures.is_empty())
        {
            return Err(format!("the processor did not accept a batch: {answer}").into());
        }
        Ok((wall, doubles))
    }

    /// CPU time of the function and its Postgres backends so far, without the doubles, which serve all sites.
    pub(super) async fn used(&self) -> Result<Used> {
        Ok(Used {
            processor: self.process.cpu()?,
            postgres: self.backends().await?,
            doubles: Duration::ZERO,
        })
    }

    /// Zero for a remote server.
    async fn backends(&self) -> Result<Duration> {
        let server = postgres::connect(&self.stage.database.superuser_url).await;
        let login = postgres::config(&self.stage.database.app_url).user().to_owned();
        let sql = format!("SELECT pid FROM pg_stat_activity WHERE usename = '{login}'");
        let mut used = Duration::ZERO;
        for message in server.simple_query(&sql).await? {
            if let SimpleQueryMessage::Row(row) = message {
                let pid: u32 = row.get(0).unwrap_or_default().parse()?;
                if process::name_of(pid).is_some_and(|name| name == "postgres") {
                    used += process::time_of(pid)?;
                }
            }
        }
        Ok(used)
    }
}

impl Used {
    /// The difference from an earlier reading.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            processor: self.processor.saturating_sub(before.processor),
            postgres: self.postgres.saturating_sub(before.postgres),
            doubles: self.doubles.saturating_sub(before.doubles),
        }
    }
}
