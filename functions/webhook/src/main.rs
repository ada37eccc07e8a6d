//! Wiring of the webhook function: settings, clients, secret, then one request after the other.

use std::process::ExitCode;
use std::sync::Arc;

use clients::otlp::Collector;
use lambda_runtime::{LambdaEvent, service_fn};
use runtime::aws::{Clients, FifoQueue, Secrets, StandardQueue};
use runtime::{Process, StartError};
use webhook::audit_events::handler::AuditEvents;
use webhook::config::Config;
use webhook::gitlab_stream::handler::GitlabStream;
use webhook::gitlab_webhook::handler::{GitlabWebhook, SEND_WITHIN};
use webhook::http::event::GatewayEvent;
use webhook::http::intake::Intake;
use webhook::http::panic_guard::PanicGuard;
use webhook::http::router::Router;
use webhook::sender_secret::SenderSecret;
use webhook::senders;

fn main() -> ExitCode {
    runtime::start("webhook", serve)
}

async fn serve(mut process: Process) -> Result<(), StartError> {
    let config = Config::from_environment(&mut process.environment)?;
    process.export_spans(Collector::new)?;
    let clients =
        Clients::sending_within(&config.aws, process.audit.clone(), SEND_WITHIN).with_tracer(process.tracer.clone());
    let secret = senders::cache(
        Arc::new(Secrets::new(&clients)),
        &config.secret_id,
        process.clock(),
        process.metrics.clone(),
    );
    let intake = Intake {
        senders: Arc::new(SenderSecret::new(secret)),
        audit: process.audit.clone(),
        metrics: process.metrics.clone(),
        tracer: process.tracer.clone(),
    };
    let queue = FifoQueue::new(&clients, config.queue);
    let inlet = StandardQueue::new(&clients, config.inlet);
    process.clients_built();
    // The secret and its TLS connection are read at start, when no request waits. Without it the function answers "unavailable" and
    // retries, so that a secret filled in later needs no restart.
    if let Err(error) = intake.senders.warm_up(&process.context).await {
        tracing::error!(%error, "webhook secret unavailable; answering requests with 503 until it can be read");
    }
    process.secrets_loaded();
    let router = Router {
        gitlab_webhook: GitlabWebhook::new(intake.clone(), config.rules, config.arguments, queue.clone()),
        audit_events: AuditEvents::new(intake.clone(), inlet),
        gitlab_stream: GitlabStream::new(intake.clone(), config.stream_types, queue),
        intake,
    };
    let guard = Arc::new(PanicGuard::new(router, process.clock()));
    let handler = service_fn(move |event: LambdaEvent<GatewayEvent>| {
        let guard = Arc::clone(&guard);
        async move { guard.serve(event).await }
    });
    process.run(handler).await
}
