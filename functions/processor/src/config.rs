//! The function's configuration, read completely at start.

use app::config::AppConfig;
use runtime::aws::{AwsSettings, QueueUrl};
use runtime::config::Environment;

#[derive(Debug)]
pub struct Config {
    pub(crate) aws: AwsSettings,
    pub(crate) settings: AppConfig,
    pub(crate) effects_queue: QueueUrl,
}

impl Config {
    /// Reads it; problems are recorded in `env`, whose `finish` reports them together.
    pub fn from_environment(env: &mut Environment) -> Self {
        Self {
            aws: AwsSettings::from_environment(env),
            settings: AppConfig::from_environment(env),
            effects_queue: QueueUrl::from_environment(env, "EFFECTS_QUEUE_URL"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_variable_is_reported_together() {
        let mut env = Environment::from_pairs([("RULES_PATH", "/nowhere/rules.yaml")]);
        let _ = Config::from_environment(&mut env);
        let problems = env.finish().unwrap_err().to_string();
        for name in [
            "DATABASE_SECRET_ID",
            "OUTBOUND_SECRET_ID",
            "RULES_PATH",
            "EFFECTS_QUEUE_URL",
            "AWS_REGION",
        ] {
            assert!(problems.contains(name), "{name} is missing in: {problems}");
        }
    }
}
