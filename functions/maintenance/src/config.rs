//! The function's configuration, read completely at start.

use app::config::{AppConfig, DatabaseSecret};
use runtime::aws::{AwsSettings, QueueUrl};
use runtime::config::Environment;
use store::DatabaseAddress;

#[derive(Debug)]
pub struct Config {
    pub(crate) aws: AwsSettings,
    pub(crate) settings: AppConfig,
    pub(crate) owner: DatabaseSecret,
    pub(crate) application: DatabaseSecret,
    pub(crate) effects_queue: QueueUrl,
    /// 0: audit entries are kept forever.
    pub(crate) audit_retention_months: u32,
}

impl Config {
    /// Reads it; problems are recorded in `env`, whose `finish` reports them together.
    pub fn from_environment(env: &mut Environment) -> Self {
        let application = DatabaseSecret::from_environment(env);
        let months = env.number("AUDIT_RETENTION_MONTHS", 0, 0..=1200);
        Self {
            audit_retention_months: u32::try_from(months).unwrap_or(0),
            aws: AwsSettings::from_environment(env),
            settings: AppConfig::from_environment(env),
            owner: DatabaseSecret {
                id: env.required("DATABASE_OWNER_SECRET_ID"),
                address: DatabaseAddress {
                    // The owner bypasses a proxy, which does not know its login.
                    host: env.optional("DATABASE_OWNER_HOST").or(application.address.host.clone()),
                    ..application.address.clone()
                },
            },
            application,
            effects_queue: QueueUrl::from_environment(env, "EFFECTS_QUEUE_URL"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// May hold any text or be empty.
    const OPTIONAL: [&str; 6] = [
        "LAMBDA_TASK_ROOT",
        "GITLAB_API_URL",
        "EVENT_BUS_NAME",
        "DATABASE_HOST",
        "DATABASE_NAME",
        "DATABASE_OWNER_HOST",
    ];

    #[test]
    fn all_missing_variables_are_reported_together() {
        let mut env = Environment::from_pairs([
            ("RULES_PATH", "/nowhere/rules.yaml"),
            ("AUDIT_RETENTION_MONTHS", "a year"),
            ("DATABASE_PORT", "70000"),
        ]);
        let _ = Config::from_environment(&mut env);
        let problems = env.finish().unwrap_err().to_string();
        let named = |name: &&String| {
            problems.contains(name.as_str()) || OPTIONAL.contains(&name.as_str()) || name.starts_with("AWS_")
        };
        assert_eq!(env.names_read().iter().find(|name| !named(name)), None, "{problems}");
    }
}
