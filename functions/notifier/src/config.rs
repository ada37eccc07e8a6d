//! The function's configuration, read completely at start.

use app::config::{DatabaseSecret, rules_file};
use rules::Rules;
use runtime::aws::AwsSettings;
use runtime::config::Environment;
use url::Url;

#[derive(Debug)]
pub struct Config {
    pub(crate) aws: AwsSettings,
    pub(crate) database: DatabaseSecret,
    pub(crate) outbound_secret_id: String,
    pub(crate) rules: Option<Rules>,
    pub(crate) addresses: Addresses,
    pub(crate) dry_run: bool,
    pub(crate) event_bus: Option<String>,
}

/// Addresses that replace those of the rules and the well-known ones: for tests.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) slack: Option<Url>,
    pub(crate) linear: Option<Url>,
    pub(crate) jira: Option<Url>,
    pub(crate) confluence: Option<Url>,
}

impl Config {
    /// Reads it; problems are recorded in `env`, whose `finish` reports them together.
    pub fn from_environment(env: &mut Environment) -> Self {
        Self {
            aws: AwsSettings::from_environment(env),
            database: DatabaseSecret::from_environment(env),
            outbound_secret_id: env.required("OUTBOUND_SECRET_ID"),
            rules: rules_file(env),
            addresses: Addresses {
                slack: env.url("SLACK_API_URL"),
                linear: env.url("LINEAR_API_URL"),
                jira: env.url("JIRA_API_URL"),
                confluence: env.url("CONFLUENCE_API_URL"),
            },
            dry_run: env.flag("DRY_RUN", false),
            event_bus: env.optional("EVENT_BUS_NAME"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_together() {
        let pairs = [
            ("RULES_PATH", "/nowhere/rules.yaml"),
            ("DATABASE_PORT", "70000"),
            ("SLACK_API_URL", "nonsense"),
            ("LINEAR_API_URL", "nonsense"),
            ("JIRA_API_URL", "nonsense"),
            ("CONFLUENCE_API_URL", "nonsense"),
            ("DRY_RUN", "perhaps"),
        ];
        let mut env = Environment::from_pairs(pairs);
        let _ = Config::from_environment(&mut env);
        let problems = env.finish().unwrap_err().to_string();
        let optional = ["EVENT_BUS_NAME", "DATABASE_HOST", "DATABASE_NAME", "LAMBDA_TASK_ROOT"];
        let named = |name: &&String| {
            problems.contains(name.as_str()) || optional.contains(&name.as_str()) || name.starts_with("AWS_")
        };
        assert_eq!(env.names_read().iter().find(|name| !named(name)), None, "{problems}");
    }
}
