//! Wiring of the notifier function.

use std::process::ExitCode;

use aws_lambda_events::sqs::SqsEvent;
use clients::otlp::Collector;
use lambda_runtime::{LambdaEvent, service_fn};
use notifier::{Config, Notifier};
use runtime::Deadline;

fn main() -> ExitCode {
    runtime::start("notifier", async |mut process| {
        let config = Config::from_environment(&mut process.environment);
        process.environment.finish()?;
        process.export_spans(Collector::new)?;
        let clock = process.clock();
        let notifier = Notifier::new(config, &process)?;
        process.clients_built();
        notifier.warm_up(&process.context).await?;
        process.secrets_loaded();
        let handler = async |event: LambdaEvent<SqsEvent>| {
            let deadline = Deadline::of(&event.context, std::sync::Arc::clone(&clock));
            notifier
                .handle(event.payload, &deadline)
                .await
                .map_err(lambda_runtime::Error::from)
        };
        process.run(service_fn(handler)).await
    })
}
