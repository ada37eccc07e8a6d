//! Wiring of the maintenance function.

use std::process::ExitCode;

use clients::otlp::Collector;
use lambda_runtime::{LambdaEvent, service_fn};
use maintenance::{Config, Maintenance, MaintenanceRequest};
use runtime::Deadline;

fn main() -> ExitCode {
    runtime::start("maintenance", async |mut process| {
        let config = Config::from_environment(&mut process.environment);
        process.environment.finish()?;
        process.export_spans(Collector::new)?;
        let clock = process.clock();
        let maintenance = Maintenance::new(config, &process)?;
        process.clients_built();
        let handler = async |event: LambdaEvent<MaintenanceRequest>| {
            let deadline = Deadline::of(&event.context, std::sync::Arc::clone(&clock));
            maintenance
                .handle(event.payload, &deadline)
                .await
                .map_err(lambda_runtime::Error::from)
        };
        process.run(service_fn(handler)).await
    })
}
