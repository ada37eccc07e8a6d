//! The maintenance function: migrations at deployment; every minute the relay of due effects, pending evaluations and operator
//! requests; rotation of the application's database login.
//!
//! Every job may run concurrently: due rows are claimed one by one with `SKIP LOCKED`, and migrations hold a lock.

mod config;
mod credential_rotation;
mod custom_resource;
mod jobs;
mod request;

use std::sync::Arc;
use std::time::Duration;

use app::Outbox;
use app::config::{AppFromSecrets, DatabaseSecret, database_secret};
use audit::{ActorType, Context, Writer};
use clients::http::{Http, Options};
use model::Clock;
use runtime::aws::{Clients, FifoQueue, Secrets};
use runtime::metrics::Metrics;
use runtime::secrets::SecretCache;
use runtime::{Deadline, Process, StartError};
use store::DatabaseConfig;
use trace::{SpanKind, Tracer};
use uuid::Uuid;

pub use config::Config;
pub use credential_rotation::{RotationError, RotationRequest, Step};
pub use custom_resource::CustomResourceRequest;
pub use jobs::{JobError, JobReport};
pub use request::{Job, MaintenanceRequest, NamedJob};

/// The time of one run of jobs. The function has more, for migrations; the next run continues.
const LONGEST_JOBS: Duration = Duration::from_mins(5);

/// One execution environment of the function.
#[derive(Debug)]
pub struct Maintenance {
    app: AppFromSecrets,
    /// Read at each use, like the next one: others change them, and they are rarely used.
    owner: SecretCache<DatabaseConfig>,
    application: SecretCache<DatabaseConfig>,
    /// The secret of the application's login, for its rotation.
    rotated: DatabaseSecret,
    secrets: Secrets,
    outbox: Outbox,
    http: Http,
    audit: Writer,
    audit_retention_months: u32,
    metrics: Metrics,
    tracer: Tracer,
    clock: Arc<dyn Clock>,
}

impl Maintenance {
    /// Builds the clients without calling anything: this function must start before the database has its schema.
    ///
    /// # Errors
    /// [`StartError`] if there are no rules, or TLS cannot be set up.
    pub fn new(config: Config, process: &Process) -> Result<Self, StartError> {
        let clients = Clients::new(&config.aws, process.audit.clone()).with_tracer(process.tracer.clone());
        let secret = |of| database_secret(Arc::new(Secrets::new(&clients)), of, process.clock());
        Ok(Self {
            owner: secret(config.owner.clone()),
            application: secret(config.application.clone()),
            // New logins are tried directly at the server: a proxy knows only the current one.
            rotated: DatabaseSecret {
                id: config.application.id,
                address: config.owner.address.clone(),
            },
            secrets: Secrets::new(&clients),
            outbox: Outbox::new(FifoQueue::new(&clients, config.effects_queue)),
            http: Http::new(&Options::default(), process.audit.clone(), process.clock())?
                .with_tracer(process.tracer.clone()),
            app: config.settings.app(&clients, process.audit.clone(), process.clock())?,
            audit: process.audit.clone(),
            audit_retention_months: config.audit_retention_months,
            metrics: process.metrics.clone(),
            tracer: process.tracer.clone(),
            clock: process.clock(),
        })
    }

    /// Runs the request.
    ///
    /// # Errors
    /// [`JobError`]: the schedule retries; a deployment has also received it.
    pub async fn handle(&self, request: MaintenanceRequest, deadline: &Deadline) -> Result<JobReport, JobError> {
        let run = Uuid::now_v7();
        match request {
            MaintenanceRequest::CustomResource(request) => {
                let context = Context::new(ActorType::AdminAction, run);
                let span = self.tracer.begin_trace(SpanKind::Internal, "deployment", &context);
                let result = Box::pin(self.custom_resource(span.context(&context), *request, deadline)).await;
                span.end(result.as_ref().err().map(|_| "failed"));
                result
            }
            MaintenanceRequest::Rotation(request) => {
                let context = Context::new(ActorType::AdminAction, run);
                let span = self.tracer.begin_trace(SpanKind::Internal, "rotation", &context);
                let result = Box::pin(self.rotate(span.context(&context), request)).await;
                self.metrics.count("login_rotation_failed", u64::from(result.is_err()));
                span.end(result.as_ref().err().map(|_| "failed"));
                result
            }
            MaintenanceRequest::Jobs { jobs } => self.jobs(run, jobs, deadline).await,
        }
    }

    /// Runs each job, even after one failed.
    async fn jobs(&self, run: Uuid, jobs: Vec<NamedJob>, deadline: &Deadline) -> Result<JobReport, JobError> {
        let context = Context::new(ActorType::PollCycle, run);
        let deadline = &deadline.at_most(LONGEST_JOBS);
        let mut report = JobReport::default();
        let mut failed = None;
        for job in jobs {
            let job = match job {
                NamedJob::Known(job) => job,
                NamedJob::Unknown(job) => {
                    tracing::warn!(job, "skipped an unknown job; a newer version runs it");
                    continue;
                }
            };
            // Boxed: a job is one deep future, and its type would be nested too deeply for the compiler.
            let span = self.tracer.begin_trace(SpanKind::Internal, job.as_str(), &context);
            let result = Box::pin(self.run(span.context(&context), job, deadline, &mut report)).await;
            span.end(result.as_ref().err().map(|_| "failed"));
            if let Err(error) = result {
                tracing::error!(job = job.as_str(), error = %error, "a job failed; the next run retries it");
                failed.get_or_insert(error);
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        tracing::info!(correlation_id = %run, report = %report, "maintenance finished: {report}");
        Ok(report)
    }
}
