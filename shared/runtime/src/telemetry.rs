//! The application's log: JSON lines on standard output in the format of Lambda's own log filter.
//!
//! Lambda reads `timestamp` (RFC 3339) and `level` at the top of each line; without a valid timestamp it treats every line as INFO
//! (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>).
//! Fields are at the top too, so that a Logs Insights query can name them.

mod exporter;
mod otlp;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

use crate::config::Environment;

pub(crate) use exporter::Exporter;
pub use otlp::OtlpSettings;

/// Libraries whose own INFO lines are irrelevant to this system.
const QUIET: [&str; 5] = ["aws", "h2", "hyper", "reqwest", "rustls"];
/// Libraries that print requests, bodies and signatures at TRACE, and with them secrets and personal data, so their most verbose
/// level is DEBUG. A name applies to every target that begins with it.
const TALKATIVE: [&str; 6] = ["aws", "h2", "hyper", "lambda", "reqwest", "rustls"];

/// Which lines are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Verbosity(Targets);

impl Verbosity {
    /// `AWS_LAMBDA_LOG_LEVEL` (set by Lambda from the function's `ApplicationLogLevel`), else `RUST_LOG` as a list of
    /// `target=level`, else INFO. A level unknown to this version means INFO; an invalid `RUST_LOG` is a problem.
    #[must_use]
    pub fn from_environment(env: &mut Environment) -> Self {
        let chosen = match env.optional("AWS_LAMBDA_LOG_LEVEL") {
            Some(level) => Some(Targets::new().with_default(platform_level(&level))),
            None => env.parsed("RUST_LOG", |text| {
                text.parse::<Targets>().map_err(|_| "is not a list of target=level")
            }),
        };
        let chosen = chosen.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
        Self(bounded(&chosen))
    }
}

/// Libraries log from WARN up, unless the operator asks for detail or names them, and never at TRACE.
fn bounded(chosen: &Targets) -> Targets {
    let default = chosen.default_level().unwrap_or(LevelFilter::OFF);
    let usual = if default > LevelFilter::INFO {
        LevelFilter::DEBUG
    } else {
        LevelFilter::WARN
    };
    let talkative = TALKATIVE.map(|target| (target, default.min(LevelFilter::DEBUG)));
    let quiet = QUIET.map(|target| (target, default.min(usual)));
    let named = chosen.iter().map(|(target, level)| {
        let bound = TALKATIVE.iter().any(|library| target.starts_with(library));
        (
            target.to_owned(),
            if bound { level.min(LevelFilter::DEBUG) } else { level },
        )
    });
    // The later of two entries for one target wins.
    Targets::new()
        .with_default(default)
        .with_targets(talkative)
        .with_targets(quiet)
        .with_targets(named.collect::<Vec<_>>())
}

/// Lambda's own names (`TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`, `FATAL`).
fn platform_level(name: &str) -> LevelFilter {
    match name.to_ascii_uppercase().as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

/// Starts the log of this process. A second call changes nothing.
pub fn init(verbosity: Verbosity) {
    // Err: a subscriber is already set, which is fine.
    let _ = tracing_subscriber::registry()
        .with(layer(verbosity, std::io::stdout))
        .try_init();
}

/// The format. Each line is one write under standard output's lock, so it never mixes with an audit entry.
fn layer<W>(verbosity: Verbosity, writer: W) -> impl Layer<Registry>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_ansi(false)
        .with_writer(writer)
        .with_filter(verbosity.0)
}

#[cfg(test)]
mod tests;
