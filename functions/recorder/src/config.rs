//! The function's configuration, read completely at start.

use std::collections::HashMap;

use app::config::DatabaseSecret;
use audit_delivery::settings::{self, DestinationSettings};
use jiff::SignedDuration;
use runtime::aws::{AwsSettings, QueueUrl, Standard};
use runtime::config::Environment;

/// How long to wait for a missing line by default: longer than CloudWatch Logs and the retries of a delivery usually take.
const GAP_SECONDS: u64 = 900;

#[derive(Debug)]
pub struct Config {
    pub(crate) aws: AwsSettings,
    pub(crate) database: DatabaseSecret,
    pub(crate) outbound_secret_id: String,
    pub(crate) retry_queue: QueueUrl<Standard>,
    /// The queue of other services' entries, by the ARN that Lambda reports with each message.
    pub(crate) inlet_queue_arn: String,
    pub(crate) gap_after: SignedDuration,
    pub(crate) destinations: DestinationSettings,
}

impl Config {
    /// Reads it; problems are recorded in `env`, whose `finish` reports them together.
    pub fn from_environment(env: &mut Environment) -> Self {
        let gap_seconds = env.number("AUDIT_GAP_SECONDS", GAP_SECONDS, 1..=7 * 24 * 3600);
        Self {
            aws: AwsSettings::from_environment(env),
            database: DatabaseSecret::from_environment(env),
            outbound_secret_id: env.required("OUTBOUND_SECRET_ID"),
            retry_queue: QueueUrl::<Standard>::from_environment(env, "AUDIT_RETRY_QUEUE_URL"),
            inlet_queue_arn: env.required("AUDIT_INLET_QUEUE_ARN"),
            gap_after: SignedDuration::from_secs(i64::try_from(gap_seconds).unwrap_or(i64::MAX)),
            destinations: destinations(env),
        }
    }
}

fn destinations(env: &mut Environment) -> DestinationSettings {
    let set: HashMap<_, _> = settings::VARIABLES
        .iter()
        .filter_map(|name| Some((*name, env.optional(name)?)))
        .collect();
    DestinationSettings::read(|name| set.get(name).cloned()).unwrap_or_else(|problems| {
        for problem in problems.0 {
            env.problem(problem.variable, problem.text);
        }
        // Never used: the environment's finish() fails.
        DestinationSettings::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// May hold any text or be empty.
    const OPTIONAL: [&str; 2] = ["DATABASE_HOST", "DATABASE_NAME"];

    #[test]
    fn every_problem_is_reported_together() {
        let pairs = [
            ("DATABASE_PORT", "70000"),
            ("AUDIT_GAP_SECONDS", "soon"),
            (settings::ENABLED, "perhaps"),
            (settings::DESTINATION, "file,syslog,http,pigeon"),
            (settings::FILE_PATH, "relative.log"),
            (settings::HTTP_ENDPOINT, "nonsense"),
            (settings::SYSLOG_ADDRESS, "nonsense"),
        ];
        let mut env = Environment::from_pairs(pairs);
        let _ = Config::from_environment(&mut env);
        let problems = env.finish().unwrap_err().to_string();
        let named = |name: &&String| {
            problems.contains(name.as_str()) || OPTIONAL.contains(&name.as_str()) || name.starts_with("AWS_")
        };
        assert_eq!(env.names_read().iter().find(|name| !named(name)), None, "{problems}");
    }

    #[test]
    fn without_further_destinations_nothing_is_forwarded() {
        let mut env = Environment::from_pairs([]);
        let config = Config::from_environment(&mut env);
        let DestinationSettings { file, syslog, http, .. } = config.destinations;
        assert_eq!((file, syslog, http), (None, None, None));
        assert_eq!(config.gap_after, SignedDuration::from_mins(15));
    }
}
