//! The function's configuration, read once and whole at start.

use evaluation::Settings;
use runtime::aws::{AwsSettings, QueueUrl};
use runtime::config::Environment;

/// Every variable of the template that this function reads.
pub const VARIABLES: &[&str] = &[
    "DATABASE_SECRET_ID",
    "DATABASE_OWNER_SECRET_ID",
    "OUTBOUND_SECRET_ID",
    "RULES_PATH",
    "GITLAB_API_URL",
    "EVENT_BUS_NAME",
    "EFFECTS_QUEUE_URL",
    "AUDIT_RETENTION_MONTHS",
];

/// The configuration.
#[derive(Debug)]
pub struct Config {
    pub(crate) aws: AwsSettings,
    pub(crate) settings: Settings,
    pub(crate) owner_secret_id: String,
    pub(crate) application_secret_id: String,
    pub(crate) effects_queue: QueueUrl,
    /// 0: audit entries are kept for ever.
    pub(crate) audit_retention_months: u32,
}

impl Config {
    /// Reads it; problems are noted in `env`, whose `finish` tells them all at once.
    pub fn from_environment(env: &mut Environment) -> Self {
        let months = env.number("AUDIT_RETENTION_MONTHS", 0, 0..=1200);
        Self {
            audit_retention_months: u32::try_from(months).unwrap_or(0),
            aws: AwsSettings::from_environment(env),
            settings: Settings::from_environment(env),
            owner_secret_id: env.required("DATABASE_OWNER_SECRET_ID"),
            application_secret_id: env.optional("DATABASE_SECRET_ID").unwrap_or_default(),
            effects_queue: QueueUrl::from_environment(env, "EFFECTS_QUEUE_URL"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_variable_is_told_at_once() {
        let mut env = Environment::from_pairs([
            ("RULES_PATH", "/nowhere/rules.yaml"),
            ("AUDIT_RETENTION_MONTHS", "a year"),
        ]);
        let _ = Config::from_environment(&mut env);
        let told = env.finish().unwrap_err().to_string();
        for name in VARIABLES
            .iter()
            .filter(|name| !["GITLAB_API_URL", "EVENT_BUS_NAME"].contains(*name))
        {
            assert!(told.contains(name), "{name} is missing in: {told}");
        }
    }
}
