//! The common part of every function's `main`: reads the environment, starts the log, builds, logs the start-up time, and serves.

mod panic;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use audit::{ActorType, Context, Memory, Writer};
use lambda_runtime::{Diagnostic, IntoFunctionResponse, LambdaEvent, Service, service_fn};
use model::{Clock, SystemClock};
use serde::{Deserialize, Serialize};
use trace::{Export, ExportDestination, Tracer};
use uuid::Uuid;

use crate::Deadline;
use crate::causes::in_one_line;
use crate::config::Environment;
use crate::metrics::{Metrics, NAMESPACE};
use crate::telemetry::{self, Exporter, OtlpSettings, Verbosity};

/// Variable with the namespace of the metrics, instead of [`NAMESPACE`].
const METRICS_NAMESPACE: &str = "METRICS_NAMESPACE";

/// Variables that Lambda's runtime client reads itself, and without which it panics.
const LAMBDA: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// A starting execution environment.
#[derive(Debug)]
pub struct Process {
    /// The variables, not yet finished.
    pub environment: Environment,
    pub audit: Writer,
    pub metrics: Metrics,
    /// The actor when secrets are read before any request: the deployment that started this environment.
    pub context: Context,
    /// Begins spans; off unless [`Process::export_spans`] was called and tracing is configured.
    pub tracer: Tracer,
    otlp: Option<OtlpSettings>,
    exporter: Option<Exporter>,
    started: Instant,
    clients_us: Option<u64>,
    secrets_us: Option<u64>,
    clock: Arc<dyn Clock>,
}

/// Why a function cannot start. Any error converts into it by `?`.
#[derive(Debug)]
pub struct StartError(String);

impl StartError {
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for StartError {
    fn from(error: E) -> Self {
        Self(in_one_line(&error))
    }
}

/// Runs a function called `service` in its logs: `build` reads its settings, builds its clients and ends in
/// [`Process::run`]. A failure is logged as one ERROR line and ends the process with status 1, which Lambda reports
/// as `Runtime.ExitError`.
pub fn start<F>(service: &'static str, build: F) -> ExitCode
where
    F: AsyncFnOnce(Process) -> Result<(), StartError>,
{
    launch(service, Process::new(service, Writer::stdout), build)
}

/// The same for the recorder, whose own log group is not read back: the audit lines it prints are also kept in the memory that
/// `build` receives, for it to store.
pub fn start_keeping_lines<F>(service: &'static str, build: F) -> ExitCode
where
    F: AsyncFnOnce(Process, Memory) -> Result<(), StartError>,
{
    let mut kept = Memory::default();
    let process = Process::new(service, |service, clock| {
        let (writer, lines) = Writer::stdout_and_memory(service, clock);
        kept = lines;
        writer
    });
    launch(service, process, async |process| build(process, kept).await)
}

fn launch<F>(service: &'static str, mut process: Process, build: F) -> ExitCode
where
    F: AsyncFnOnce(Process) -> Result<(), StartError>,
{
    let verbosity = Verbosity::from_environment(&mut process.environment);
    telemetry::init(verbosity);
    panic::install_hook();
    for name in LAMBDA {
        process.environment.required(name);
    }
    if let Some(namespace) = process.environment.optional(METRICS_NAMESPACE) {
        process.metrics = Metrics::stdout(&namespace, service, process.clock());
    }
    process.otlp = OtlpSettings::from_environment(&mut process.environment, service);
    // One thread: an environment serves one invocation at a time, and threads would only slow the start.
    let ended = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(build(process)),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(StartError(error)) => {
            tracing::error!(service, error, "function failed to start");
            ExitCode::FAILURE
        }
    }
}

impl Process {
    fn new(service: &'static str, writer: impl FnOnce(&'static str, Arc<dyn Clock>) -> Writer) -> Self {
        let started = Instant::now();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Self {
            environment: Environment::from_process(),
            audit: writer(service, Arc::clone(&clock)),
            metrics: Metrics::stdout(NAMESPACE, service, Arc::clone(&clock)),
            context: Context::new(ActorType::AdminAction, Uuid::now_v7()),
            tracer: Tracer::off(),
            otlp: None,
            exporter: None,
            started,
            clients_us: None,
            secrets_us: None,
            clock,
        }
    }

    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Call this when the environment is valid and before clients are built: if tracing is configured, the tracer is on from here,
    /// and the result of `build` sends the spans of each invocation before its answer. Otherwise nothing is built.
    ///
    /// # Errors
    /// That of `build`.
    pub fn export_spans<C, X>(
        &mut self,
        build: impl FnOnce(ExportDestination, Writer, Arc<dyn Clock>) -> Result<C, X>,
    ) -> Result<(), X>
    where
        C: Export + 'static,
    {
        let Some(settings) = self.otlp.take() else {
            return Ok(());
        };
        let collector = build(settings.destination, self.audit.clone(), self.clock())?;
        self.tracer = Tracer::on(settings.sampler, self.clock());
        self.exporter = Some(Exporter {
            tracer: self.tracer.clone(),
            collector: Box::new(collector),
            resource: settings.resource,
            timeout: settings.timeout,
            metrics: self.metrics.clone(),
            context: self.context.clone(),
            clock: self.clock(),
            rests_until: Mutex::default(),
        });
        Ok(())
    }

    /// Call this when settings are read and clients are built: logs the time since the start as `clients_us`.
    pub fn clients_built(&mut self) {
        self.clients_us = Some(self.micros());
    }

    /// Call this when the secrets are loaded: logs the time since the clients were built as `secrets_us`.
    pub fn secrets_loaded(&mut self) {
        self.secrets_us = Some(self.micros() - self.clients_us.unwrap_or_default());
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Logs the start-up time, then serves invocations until Lambda ends the process. `handler` is a tower service that is always
    /// ready, such as `lambda_runtime::service_fn(..)`.
    ///
    /// # Errors
    /// If the Lambda Runtime API cannot be reached.
    pub async fn run<H, E, R, B, S, D, X>(self, mut handler: H) -> Result<(), StartError>
    where
        H: Service<LambdaEvent<E>, Response = R>,
        H::Future: Future<Output = Result<R, H::Error>>,
        H::Error: Into<Diagnostic> + std::fmt::Debug,
        E: for<'de> Deserialize<'de>,
        R: IntoFunctionResponse<B, S>,
        B: Serialize,
        S: futures::Stream<Item = Result<D, X>> + Unpin + Send + 'static,
        D: Into<bytes::Bytes> + Send,
        X: Into<lambda_runtime::Error> + Send + std::fmt::Debug,
    {
        let (clients_us, secrets_us, total_us) = (self.clients_us, self.secrets_us, self.micros());
        tracing::info!(clients_us, secrets_us, total_us, "initialised");
        let ended = match self.exporter {
            None => lambda_runtime::run(handler).await,
            Some(exporter) => {
                let (exporter, clock) = (&exporter, &self.clock);
                let handler = service_fn(move |event: LambdaEvent<E>| {
                    let deadline = Deadline::of(&event.context, Arc::clone(clock));
                    let work = handler.call(event);
                    async move {
                        let answer = work.await;
                        exporter.flush(&deadline).await;
                        answer
                    }
                });
                lambda_runtime::run(handler).await
            }
        };
        ended.map_err(|error| StartError(in_one_line(&*error)))
    }
}

#[cfg(test)]
mod tests;
