//! A function's process under a Lambda Runtime API, with its start and its CPU time.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use tempfile::NamedTempFile;

use super::Result;
use doubles::runtime_api::RuntimeApi;

/// Longer than any start takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// The unit of CPU time in /proc (`proc(5)`, `USER_HZ`).
const TICKS_PER_SECOND: u32 = 100;

/// A running function, ended when dropped.
pub(super) struct Process {
    api: RuntimeApi,
    child: Child,
    spawned: Instant,
    output: NamedTempFile,
}

/// What a function reports about its start, in microseconds: the line `initialised` of `runtime::start`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names in the log")]
pub(super) struct Initialised {
    /// Until settings were read and clients built.
    pub(super) clients_us: u32,
    /// From there until the secrets were read, if the function reads them at its start.
    #[serde(default)]
    pub(super) secrets_us: u32,
    /// The total, from the first line of `main`.
    pub(super) total_us: u32,
}

impl Process {
    /// Starts a binary with these variables and those that Lambda sets.
    pub(super) async fn start(binary: &Path, variables: &[(&str, String)]) -> Result<Self> {
        let api = RuntimeApi::start().await;
        let output = NamedTempFile::new()?;
        let mut command = Command::new(binary);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.url_host_port())
            .env("AWS_LAMBDA_FUNCTION_NAME", "under-test")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "aws-secret-key")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(File::create(output.path())?);
        let spawned = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        Ok(Self {
            api,
            child,
            spawned,
            output,
        })
    }

    /// Waits for the first poll; returns the time since the process was started.
    pub(super) async fn started(&self) -> Result<Duration> {
        match self.api.wait_for_first_poll(PATIENCE).await {
            Ok(at) => Ok(at.duration_since(self.spawned)),
            Err(error) => Err(format!("a function did not start: {error}\n{}", self.printed()?).into()),
        }
    }

    /// Its report about its start; `None` if it has none.
    pub(super) fn initialised(&self) -> Result<Option<Initialised>> {
        let printed = self.printed()?;
        let lines = printed
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let said = lines.into_iter().find(|line| line["message"] == "initialised");
        Ok(said.map(serde_json::from_value).transpose()?)
    }

    /// Invokes it; returns the duration and the answer.
    pub(super) async fn invoke(&self, event: Value) -> Result<(Duration, Value)> {
        let begun = Instant::now();
        match self.api.invoke(event).await {
            Ok(answer) => Ok((begun.elapsed(), answer)),
            Err(error) => Err(format!("an invocation failed: {error}").into()),
        }
    }

    /// CPU time it has used so far, user and system. Resolution: 10 ms.
    pub(super) fn cpu(&self) -> Result<Duration> {
        time_of(self.child.id())
    }

    fn printed(&self) -> Result<String> {
        Ok(fs::read_to_string(self.output.path())?)
    }
}

/// CPU time that a process has used so far, user and system. Resolution: 10 ms.
pub(super) fn time_of(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    ticks(&stat)
        .map(|ticks| Duration::from_secs(ticks) / TICKS_PER_SECOND)
        .ok_or_else(|| format!("unreadable: {stat}").into())
}

/// The name of a local process; `None` if there is no such process.
pub(super) fn name_of(process: u32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// `utime` and `stime`, fields 14 and 15; the name, field 2, is in parentheses and may contain anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut number = || fields.next()?.parse::<u64>().ok();
    Some(number()? + number()?)
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn processor_time_is_user_and_system_time_together() {
        let stat = "4711 (a (strange) name) S 1 4711 4711 0 -1 4194304 120 0 0 0 37 5 0 0 20 0 1 0 123 456 78";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("4711 (short) S 1"), None);
    }
}
