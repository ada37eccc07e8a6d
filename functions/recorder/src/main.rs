//! Wiring of the recorder function.

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use recorder::{Config, Parts, Recorder, RecorderRequest};
use runtime::Deadline;

fn main() -> ExitCode {
    runtime::start_keeping_lines("recorder", async |mut process, lines| {
        let config = Config::from_environment(&mut process.environment);
        process.environment.finish()?;
        let clock = process.clock();
        let recorder = Recorder::new(config, Parts::of(&process, lines))?;
        process.clients_built();
        recorder.warm_up(&process.context).await;
        process.secrets_loaded();
        let handler = async |event: LambdaEvent<RecorderRequest>| {
            let deadline = Deadline::of(&event.context, std::sync::Arc::clone(&clock));
            recorder
                .handle(event.payload, &deadline)
                .await
                .map_err(lambda_runtime::Error::from)
        };
        process.run(service_fn(handler)).await
    })
}
