//! A small service with an embedded audit log: a worker that runs one command for each task.
//!
//! The worker reads tasks from standard input, one merge request per line (`7301!811`); the command follows `--`. Each task leaves
//! three entries: its start, what the command did, and its result. They go to the destinations of the `AUDIT_LOG_*` variables
//! through a queue on disk:
//!
//! ```console
//! $ printf '7301!811\n7301!812\n' | AUDIT_LOG_DESTINATION=stdout,file AUDIT_LOG_FILE_PATH=/tmp/agent/audit.jsonl \
//!     cargo run --package audit_delivery --example agent -- /tmp/agent/queue -- git --version
//! ```
//!
//! Countersign itself can be the HTTP destination: `AUDIT_LOG_HTTP_ENDPOINT=https://.../audit/events`, with the key of this service in
//! `COUNTERSIGN_AUDIT_KEY`.
//!
//! If the parent process sets `CORRELATION_ID` and `TRACEPARENT`, this process and the command continue that work.
#![expect(
    clippy::disallowed_methods,
    reason = "a service outside of this system: it defines its actions and reads its environment"
)]

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use audit_delivery::audit::{
    Action, ActionName, Context, Entry, FailureClass, MergeRequestIid, MergeRequestKey, Outcome, ProjectId, Target,
    Writer,
};
use audit_delivery::{AuditQueue, AuditQueueSettings, Credentials, DestinationOptions, Until};

/// The actions of this service. A malformed name does not compile.
const TASK_STARTED: Action = Action::Own(ActionName::new("copilot.task.started").unwrap());
const COMMAND_RUN: Action = Action::Own(ActionName::new("agent.command.run").unwrap());
const TASK_ENDED: Action = Action::Own(ActionName::new("agent.task.ended").unwrap());

/// How long shutdown waits for the destinations. Undelivered entries stay in the queue and are sent after the next start.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "agent: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let queue = words
        .next()
        .ok_or("usage: agent QUEUE-DIRECTORY -- COMMAND [ARGUMENT ...]")?;
    let command: Vec<String> = words.skip_while(|word| word == "--").collect();
    let (program, arguments) = command
        .split_first()
        .ok_or("missing command; usage: agent QUEUE-DIRECTORY -- COMMAND [ARGUMENT ...]")?;

    let environment = |name: &str| std::env::var(name).ok();
    let mut options = DestinationOptions::default();
    options.http.credentials = environment("COUNTERSIGN_AUDIT_KEY").map(|key| Credentials::Bearer(key.into()));
    let audit_queue = AuditQueue::from_environment(environment, AuditQueueSettings::new("agent", queue), &options)?;
    let agent = Agent {
        writer: audit_queue.writer(),
        context: Context::inherited(environment),
    };
    for task in io::stdin().lock().lines() {
        let task = task?;
        let Some(merge_request) = merge_request(&task) else {
            drop(writeln!(
                io::stderr(),
                "agent: invalid task {task:?}; expected PROJECT!IID"
            ));
            continue;
        };
        agent.work(&merge_request, program, arguments);
        // Printed only now: the entries of this task are on disk, even if the process dies next.
        writeln!(io::stderr(), "agent: finished {task}")?;
    }
    if !audit_queue.flush(Until::Delivered, PATIENCE) {
        for destination in audit_queue.health().destinations {
            drop(writeln!(
                io::stderr(),
                "agent: {} entries are waiting for {}",
                destination.behind,
                destination.name
            ));
        }
    }
    Ok(())
}

/// `7301!811`.
fn merge_request(task: &str) -> Option<MergeRequestKey> {
    let (project, iid) = task.trim().split_once('!')?;
    Some(MergeRequestKey {
        instance: "main".to_owned(),
        project_id: ProjectId(project.parse().ok()?),
        mr_iid: MergeRequestIid(iid.parse().ok()?),
    })
}

struct Agent {
    writer: Writer,
    context: Context,
}

impl Agent {
    fn work(&self, merge_request: &MergeRequestKey, program: &str, arguments: &[String]) {
        let target = Target::merge_request(merge_request);
        let started = Entry::new(TASK_STARTED, &self.context, target.clone(), Outcome::Success);
        self.writer.write(&started.detail("executor", "local"));

        let outcome = self.run(&target, program, arguments);

        self.writer
            .write(&Entry::new(TASK_ENDED, &self.context, target, outcome));
    }

    /// An external call: announced before it, recorded after it. If this process dies in between, the announcement shows it.
    fn run(&self, target: &Target, program: &str, arguments: &[String]) -> Outcome {
        let announced = self.writer.announce_call(COMMAND_RUN, &self.context, target);
        let clock = Instant::now();
        let mut command = Command::new(program);
        command.args(arguments).stdin(std::process::Stdio::null());
        // The command inherits the correlation id and the trace.
        command.env("CORRELATION_ID", self.context.correlation_id.to_string());
        if let Some(traceparent) = &self.context.traceparent {
            command.env("TRACEPARENT", traceparent);
        }
        let (outcome, code) = match command.status() {
            Ok(status) if status.success() => (Outcome::Success, status.code()),
            Ok(status) => (Outcome::Failure(FailureClass::InvalidResponse), status.code()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Outcome::Failure(FailureClass::NotFound), None),
            Err(_) => (Outcome::Failure(FailureClass::ServerError), None),
        };
        let entry = Entry::new(COMMAND_RUN, &self.context, target.clone(), outcome).completes(announced);
        self.writer
            .write(&entry.took(clock.elapsed()).detail("exit_code", code));
        outcome
    }
}
