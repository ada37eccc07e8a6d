//! The configured destinations: the five `AUDIT_LOG_*` variables. All problems are reported together.

use std::path::PathBuf;

use url::Url;

use address::{endpoint, path, syslog_address};
use reader::VariableReader;

mod address;
mod reader;

pub use address::{SyslogAddress, Transport};

/// `true` (default) or `false`: whether anything is forwarded.
pub const ENABLED: &str = "AUDIT_LOG_ENABLED";
/// Comma-separated list of `stdout` (default), `file`, `syslog` and `http`.
pub const DESTINATION: &str = "AUDIT_LOG_DESTINATION";
/// The absolute path of the file; required by `file`.
pub const FILE_PATH: &str = "AUDIT_LOG_FILE_PATH";
/// The address of the receiver; required by `http`.
pub const HTTP_ENDPOINT: &str = "AUDIT_LOG_HTTP_ENDPOINT";
/// `udp://host:port`, `tcp://host:port` or `tcp+tls://host:port`; required by `syslog`.
pub const SYSLOG_ADDRESS: &str = "AUDIT_LOG_SYSLOG_ADDRESS";

/// Every variable that [`DestinationSettings::read`] reads.
pub const VARIABLES: [&str; 5] = [ENABLED, DESTINATION, FILE_PATH, HTTP_ENDPOINT, SYSLOG_ADDRESS];

/// The configured destinations. One that `AUDIT_LOG_DESTINATION` does not name is absent, even if its variable is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationSettings {
    /// Whether anything is forwarded. If not, every field below is `false` or `None`.
    pub enabled: bool,
    /// Standard output. A Lambda function always writes there.
    pub stdout: bool,
    /// The file.
    pub file: Option<PathBuf>,
    /// The syslog receiver.
    pub syslog: Option<SyslogAddress>,
    /// The HTTP receiver.
    pub http: Option<Url>,
}

impl Default for DestinationSettings {
    /// Default: only standard output.
    fn default() -> Self {
        Self {
            enabled: true,
            stdout: true,
            file: None,
            syslog: None,
            http: None,
        }
    }
}

/// A variable and its problem. Values are not repeated: an address can hold a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {text}")]
pub struct DestinationProblem {
    /// The variable.
    pub variable: &'static str,
    /// The problem; completes a sentence that begins with the variable's name.
    pub text: String,
}

/// All problems of the variables. Correct them and restart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid audit destinations: {}", listed(.0))]
pub struct DestinationProblems(pub Vec<DestinationProblem>);

fn listed(problems: &[DestinationProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl DestinationSettings {
    /// Reads the variables through `lookup`; an empty one counts as unset.
    ///
    /// # Errors
    /// All problems together. A destination disabled by `AUDIT_LOG_ENABLED=false` is also checked, so that enabling it later cannot
    /// fail.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, DestinationProblems> {
        let mut reader = VariableReader::new(lookup);
        let enabled = reader.enabled();
        let wanted = reader.wanted();
        let read = Self {
            enabled,
            stdout: wanted.stdout,
            file: wanted.file.then(|| reader.needed(FILE_PATH, "file", path)).flatten(),
            syslog: wanted
                .syslog
                .then(|| reader.needed(SYSLOG_ADDRESS, "syslog", syslog_address))
                .flatten(),
            http: wanted
                .http
                .then(|| reader.needed(HTTP_ENDPOINT, "http", endpoint))
                .flatten(),
        };
        match (reader.problems.is_empty(), enabled) {
            (true, true) => Ok(read),
            (true, false) => Ok(Self {
                enabled,
                stdout: false,
                file: None,
                syslog: None,
                http: None,
            }),
            (false, _) => Err(DestinationProblems(reader.problems)),
        }
    }
}

#[cfg(test)]
mod tests;
