//! A function's own binary under a Lambda Runtime API: started as Lambda starts it, with its output.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use doubles::runtime_api::RuntimeApi;
use serde_json::Value;

use crate::program::built;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running function, ended when dropped.
pub(crate) struct Function {
    api: RuntimeApi,
    child: Child,
    printed: Arc<Printed>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Printed {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Function {
    /// Builds the package `name` and starts its binary with these variables and those that Lambda sets.
    pub(crate) async fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        Self::under(RuntimeApi::start().await, &built(name), name, variables)
    }

    /// The same for a built program, with this timeout per invocation.
    pub(crate) async fn of_program(timeout: Duration, program: &Path, name: &str, variables: &[(&str, &str)]) -> Self {
        Self::under(RuntimeApi::with_timeout(timeout).await, program, name, variables)
    }

    fn under(api: RuntimeApi, program: &Path, name: &str, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(program)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.url_host_port())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "aws-secret-key")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let printed = Arc::<Printed>::default();
        let (output, keeper) = (child.stdout.take().unwrap(), Arc::clone(&printed));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                keeper.lines.lock().unwrap().push(line);
                keeper.more.notify_all();
            }
        });
        Self {
            api,
            child,
            printed,
            reader: Some(reader),
        }
    }

    /// Invokes it with one event.
    pub(crate) async fn invoke(&self, event: Value) -> Value {
        let answer = self.api.invoke(event).await;
        answer.unwrap_or_else(|error| panic!("{error}: {:#?}", self.printed.lines.lock().unwrap()))
    }

    /// The same for an invocation that must fail; returns its message.
    pub(crate) async fn fails(&self, event: Value) -> String {
        self.api.invoke(event).await.unwrap_err().to_string()
    }

    /// Waits for the first poll, which ends the start.
    pub(crate) async fn started(&self) {
        let polled = self.api.wait_for_first_poll(PATIENCE).await;
        polled.unwrap_or_else(|error| panic!("{error}: {:#?}", self.printed.lines.lock().unwrap()));
    }

    /// The peak resident memory of its process so far, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        kibibytes * 1024
    }

    /// Whether its original process still runs.
    pub(crate) fn still_runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it exits.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Kills it at any point, as the platform may; all its output is available afterwards.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }

    /// Waits until at least `count` printed JSON lines match `wanted`, and returns them.
    pub(crate) fn lines(&self, count: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let picked = |lines: &[String]| -> Vec<Value> {
            let lines = lines
                .iter()
                .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")));
            lines.filter(&wanted).collect()
        };
        let lines = self.printed.lines.lock().unwrap();
        let waiting = |lines: &mut Vec<String>| picked(lines).len() < count;
        let (lines, patience) = self.printed.more.wait_timeout_while(lines, PATIENCE, waiting).unwrap();
        assert!(!patience.timed_out(), "{count} lines expected in {lines:#?}");
        picked(&lines)
    }

    /// The same for audit entries of one action.
    pub(crate) fn entries(&self, action: &str, count: usize) -> Vec<Value> {
        self.lines(count, |line| line["action"] == action)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
