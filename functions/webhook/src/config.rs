//! Settings of the webhook function.

use inbound::gitlab::{Grammar, StreamTypes, Tolerance};
use runtime::aws::{AwsSettings, QueueUrl, Standard};
use runtime::config::{ConfigError, Environment};

use crate::gitlab_webhook::assessment::WebhookRules;
use crate::gitlab_webhook::derived_entries::CommandArguments;

const SECRET_ID: &str = "WEBHOOK_SECRET_ID";
const QUEUE_URL: &str = "DELIVERIES_QUEUE_URL";
const INLET_URL: &str = "AUDIT_INLET_QUEUE_URL";
const PREFIXES: &str = "COPILOT_COMMAND_PREFIXES";
const ARGUMENTS: &str = "COPILOT_COMMAND_ARGUMENTS";
const STREAM_TYPES: &str = "GITLAB_STREAM_TYPES";
const TOLERANCE_SECONDS: &str = "SIGNATURE_TOLERANCE_SECONDS";

/// The Standard Webhooks libraries allow five minutes in both directions.
const DEFAULT_TOLERANCE_SECONDS: u64 = 300;
/// Largest body accepted, in bytes. Lambda accepts requests of 6 MB (6,291,556 bytes), in which API Gateway's base64 makes a body a
/// third larger; larger ones never reach this function.
pub const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// The settings of the function.
#[derive(Debug)]
pub struct Config {
    /// Name or ARN of the secret with the hooks.
    pub secret_id: String,
    pub queue: QueueUrl,
    /// The queue of other services' entries.
    pub inlet: QueueUrl<Standard>,
    pub rules: WebhookRules,
    pub arguments: CommandArguments,
    /// Which streamed events are kept.
    pub stream_types: StreamTypes,
    /// The AWS region, endpoint and credentials.
    pub aws: AwsSettings,
}

impl Config {
    /// Reads everything, then reports all problems together.
    ///
    /// # Errors
    /// [`ConfigError`] names each missing or invalid variable.
    pub fn from_environment(env: &mut Environment) -> Result<Self, ConfigError> {
        let secret_id = env.required(SECRET_ID);
        let queue = QueueUrl::from_environment(env, QUEUE_URL);
        let seconds = env.number(TOLERANCE_SECONDS, DEFAULT_TOLERANCE_SECONDS, 1..=86_400);
        let inlet = QueueUrl::<Standard>::from_environment(env, INLET_URL);
        let grammar = env.parsed(PREFIXES, Grammar::parse).unwrap_or_default();
        let arguments = env.parsed(ARGUMENTS, str::parse).unwrap_or(CommandArguments::Digest);
        let stream_types = env.parsed(STREAM_TYPES, StreamTypes::parse).unwrap_or_default();
        let aws = AwsSettings::from_environment(env);
        env.finish()?;
        let tolerance = Tolerance {
            seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
            max_body_bytes: MAX_BODY_BYTES,
        };
        Ok(Self {
            secret_id,
            queue,
            inlet,
            rules: WebhookRules { tolerance, grammar },
            arguments,
            stream_types,
            aws,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 6] = [
        ("WEBHOOK_SECRET_ID", "countersign/webhook"),
        (
            "DELIVERIES_QUEUE_URL",
            "https://sqs.eu-west-1.amazonaws.com/1/deliveries.fifo",
        ),
        (
            "AUDIT_INLET_QUEUE_URL",
            "https://sqs.eu-west-1.amazonaws.com/1/audit-inlet",
        ),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ];

    #[test]
    fn tolerance_has_a_default_and_can_be_configured() {
        let config = Config::from_environment(&mut Environment::from_pairs(COMPLETE)).unwrap();
        assert_eq!(config.rules.tolerance.seconds, 300);
        assert_eq!(config.arguments, CommandArguments::Digest);
        let set = COMPLETE.into_iter().chain([("SIGNATURE_TOLERANCE_SECONDS", "60")]);
        let config = Config::from_environment(&mut Environment::from_pairs(set)).unwrap();
        assert_eq!(
            (config.rules.tolerance.seconds, config.queue.name()),
            (60, "deliveries.fifo")
        );
    }

    #[test]
    fn reports_all_problems_together() {
        let mut env = Environment::from_pairs([
            (TOLERANCE_SECONDS, "0"),
            ("AWS_REGION", "x"),
            (PREFIXES, "/"),
            (ARGUMENTS, "all"),
            (STREAM_TYPES, "a b"),
        ]);
        let problems = Config::from_environment(&mut env).unwrap_err().to_string();
        for name in [
            SECRET_ID,
            QUEUE_URL,
            INLET_URL,
            PREFIXES,
            ARGUMENTS,
            STREAM_TYPES,
            TOLERANCE_SECONDS,
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(problems.contains(name), "{name} in {problems}");
        }
    }
}
