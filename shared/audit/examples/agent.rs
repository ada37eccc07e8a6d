//! A small service of its own with the audit trail in it: a worker that runs one command for each task.
//!
//! Tasks come on standard input, one merge request a line (`7301!811`); the command is what stands behind `--`. Each task leaves three
//! entries: that it was started, what the command did, and what the task came to. They go where the `AUDIT_LOG_*` variables say, by way
//! of a queue on the disk:
//!
//! ```console
//! $ printf '7301!811\n7301!812\n' | AUDIT_LOG_DESTINATION=stdout,file AUDIT_LOG_FILE_PATH=/tmp/agent/audit.jsonl \
//!     cargo run --package audit --example agent --features embedded,file,http,syslog -- /tmp/agent/queue -- git --version
//! ```
//!
//! Started by another process that sets `CORRELATION_ID` and `TRACEPARENT`, it goes on with that work, and so does the command.
#![expect(
    clippy::disallowed_methods,
    reason = "a service outside of this system: its actions are its own, and it reads its environment itself"
)]

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use audit::embedded::{DestinationOptions, Trail, TrailSettings, Until};
use audit::{
    Action, ActionName, Context, Entry, FailureClass, MergeRequestIid, MergeRequestKey, Outcome, ProjectId, Target,
    Writer,
};

/// What this service does, by name: a name that is not well-formed does not compile.
const TASK_STARTED: Action = Action::Own(ActionName::new("copilot.task.started").unwrap());
const COMMAND_RUN: Action = Action::Own(ActionName::new("agent.command.run").unwrap());
const TASK_ENDED: Action = Action::Own(ActionName::new("agent.task.ended").unwrap());

/// How long the end waits for the destinations. What has not arrived by then is in the queue and goes out after the next start.
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
        .ok_or("which command? agent QUEUE-DIRECTORY -- COMMAND")?;

    let environment = |name: &str| std::env::var(name).ok();
    let trail = Trail::from_environment(
        environment,
        TrailSettings::new("agent", queue),
        &DestinationOptions::default(),
    )?;
    let agent = Agent {
        writer: trail.writer(),
        context: Context::inherited(environment),
    };
    for task in io::stdin().lock().lines() {
        let task = task?;
        let Some(merge_request) = merge_request(&task) else {
            drop(writeln!(io::stderr(), "agent: no task: {task:?}; write PROJECT!IID"));
            continue;
        };
        agent.work(&merge_request, program, arguments);
        // Said only now: what the trail was told of this task is on the disk, whatever happens next.
        writeln!(io::stderr(), "agent: done with {task}")?;
    }
    if !trail.flush(Until::Delivered, PATIENCE) {
        for destination in trail.health().destinations {
            drop(writeln!(
                io::stderr(),
                "agent: {} entries wait for {}",
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

    /// A call of something outside: announced before, told after. Should this process die in between, the announcement tells.
    fn run(&self, target: &Target, program: &str, arguments: &[String]) -> Outcome {
        let begun = self.writer.begin(COMMAND_RUN, &self.context, target);
        let clock = Instant::now();
        let mut command = Command::new(program);
        command.args(arguments).stdin(std::process::Stdio::null());
        // The command goes on with the same work.
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
        let entry = Entry::new(COMMAND_RUN, &self.context, target.clone(), outcome).begun(begun);
        self.writer
            .write(&entry.took(clock.elapsed()).detail("exit_code", code));
        outcome
    }
}
