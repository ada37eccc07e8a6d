//! The jobs and their report.

mod audit_partitions;
mod audit_retention;
mod migrate;
mod operator_requests;
mod pending;
mod relay;

use std::sync::Arc;

use app::App;
use app::deployment::DeploymentError;
use audit::Context;
use runtime::Deadline;
use serde::Serialize;
use store::MigrationReport;

use crate::{Job, Maintenance};

/// Why a job failed. The next run retries; claims expire by themselves.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A secret, or what is built from it.
    #[error(transparent)]
    Build(#[from] runtime::secrets::BuildError),
    #[error("{}", with_cause(.0))]
    Secret(#[from] runtime::secrets::SecretError),
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// This version does not know the schema.
    #[error(transparent)]
    Schema(#[from] store::SchemaError),
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    #[error(transparent)]
    Rotation(#[from] crate::RotationError),
    /// Secrets Manager rejected a step of a rotation.
    #[error(transparent)]
    Aws(#[from] runtime::aws::AwsError),
    /// The migrations take longer than a function may run.
    #[error(
        "the migrations did not finish within {0} seconds, and the running one was rolled back; run `countersign migrate` as the database's owner, which has no time limit, and deploy again"
    )]
    OutOfTime(u64),
    /// CloudFormation sent no usable address.
    #[error("the ResponseURL of the request is not a valid URL")]
    ResponseAddress,
    /// The response to CloudFormation failed.
    #[error(transparent)]
    Call(#[from] clients::CallError),
}

impl JobError {
    /// Whether a retry may succeed soon.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Secret(error) => matches!(error, runtime::secrets::SecretError::Unavailable { .. }),
            Self::Store(error) => error.is_retryable(),
            Self::Deployment(error) => error.is_retryable(),
            _ => false,
        }
    }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// What the jobs did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct JobReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migrated: Option<MigrationReport>,
    /// Pending evaluations that reached a verdict.
    pub evaluations_judged: u32,
    /// Pending evaluations that stay pending.
    pub evaluations_pending: u32,
    /// Pending evaluations that failed for another reason, reported in the log.
    pub evaluations_failed: u32,
    pub effects_enqueued: u32,
    /// Effects that could not be enqueued; the next run retries them.
    pub effects_failed: u32,
    pub operator_requests_finished: u32,
    /// Operator requests that a later run continues.
    pub operator_requests_open: u32,
    /// Created partitions for audit entries, one per month.
    pub audit_partitions_made: u32,
    /// Tables with the audit entries of detached months.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audit_partitions_detached: Vec<String>,
}

impl std::fmt::Display for JobReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(migrated) = &self.migrated {
            return migrated.fmt(f);
        }
        write!(
            f,
            "{} evaluations decided, {} still pending, {} failed; {} effects enqueued, {} failed; {} requests finished, {} open",
            self.evaluations_judged,
            self.evaluations_pending,
            self.evaluations_failed,
            self.effects_enqueued,
            self.effects_failed,
            self.operator_requests_finished,
            self.operator_requests_open
        )
    }
}

impl Maintenance {
    /// The application, if this version knows the database's schema.
    async fn checked_app(&self, context: &Context) -> Result<Arc<App>, JobError> {
        let app = self.app.get(context).await?;
        app.store().check_schema().await?;
        Ok(app)
    }

    pub(crate) async fn run(
        &self,
        context: &Context,
        job: Job,
        deadline: &Deadline,
        report: &mut JobReport,
    ) -> Result<(), JobError> {
        match job {
            Job::Migrate => report.migrated = Some(self.migrate(context).await?),
            Job::PendingEvaluations => self.pending_evaluations(context, deadline, report).await?,
            Job::RelayEffects => self.relay_effects(context, deadline, report).await?,
            Job::AuditPartitions => report.audit_partitions_made += self.audit_partitions(context).await?,
            Job::AuditRetention => report.audit_partitions_detached = self.audit_retention(context).await?,
            Job::OperatorRequests => self.operator_requests(context, deadline, report).await?,
        }
        Ok(())
    }
}
