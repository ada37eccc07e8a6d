//! Wiring of the webhook function: settings, clients, secret, then one request after the other.

use std::process::ExitCode;
use std::sync::Arc;

use clients::otlp::Collector;
use lambda_runtime::{LambdaEvent, service_fn};
use runtime::aws::{Clients, FifoQueue, Secrets};
use runtime::{Process, StartError};
use webhook::config::Config;
use webhook::gitlab_webhook::handler::{GitlabWebhook, SEND_WITHIN};
use webhook::hooks;
use webhook::http::event::GatewayEvent;
use webhook::http::panic_guard::PanicGuard;
use webhook::http::router::Router;

fn main() -> ExitCode {
    runtime::start("webhook", serve)
}

async fn serve(mut process: Process) -> Result<(), StartError> {
    let config = Config::from_environment(&mut process.environment)?;
    process.export_spans(Collector::new)?;
    let clients =
        Clients::sending_within(&config.aws, process.audit.clone(), SEND_WITHIN).with_tracer(process.tracer.clone());
    let hooks = hooks::cache(
        Arc::new(Secrets::new(&clients)),
        &config.secret_id,
        process.clock(),
        process.metrics.clone(),
    );
    let queue = FifoQueue::new(&clients, config.queue);
    process.clients_built();
    // The secret and its TLS connection are read at start, when no request waits. Without it the function answers "unavailable" and
    // retries, so that a secret filled in later needs no restart.
    if let Err(error) = hooks.get(&process.context).await {
        tracing::error!(%error, "webhook secret unavailable; answering deliveries with 503 until it can be read");
    }
    process.secrets_loaded();
    let gitlab_webhook = GitlabWebhook::new(
        config.tolerance,
        hooks,
        queue,
        process.audit.clone(),
        process.metrics.clone(),
    )
    .with_tracer(process.tracer.clone());
    let guard = Arc::new(PanicGuard::new(Router { gitlab_webhook }, process.clock()));
    let handler = service_fn(move |event: LambdaEvent<GatewayEvent>| {
        let guard = Arc::clone(&guard);
        async move { guard.serve(event).await }
    });
    process.run(handler).await
}
