//! Settings of the webhook function.

use inbound::gitlab::Tolerance;
use runtime::aws::{AwsSettings, QueueUrl};
use runtime::config::{ConfigError, Environment};

const SECRET_ID: &str = "WEBHOOK_SECRET_ID";
const QUEUE_URL: &str = "DELIVERIES_QUEUE_URL";
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
    /// The maximum age of a signature and size of a body.
    pub tolerance: Tolerance,
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
        let aws = AwsSettings::from_environment(env);
        env.finish()?;
        let tolerance = Tolerance {
            seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
            max_body_bytes: MAX_BODY_BYTES,
        };
        Ok(Self {
            secret_id,
            queue,
            tolerance,
            aws,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 5] = [
        ("WEBHOOK_SECRET_ID", "countersign/webhook"),
        (
            "DELIVERIES_QUEUE_URL",
            "https://sqs.eu-west-1.amazonaws.com/1/deliveries.fifo",
        ),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ];

    #[test]
    fn tolerance_has_a_default_and_can_be_configured() {
        let config = Config::from_environment(&mut Environment::from_pairs(COMPLETE)).unwrap();
        assert_eq!(config.tolerance.seconds, 300);
        let set = COMPLETE.into_iter().chain([("SIGNATURE_TOLERANCE_SECONDS", "60")]);
        let config = Config::from_environment(&mut Environment::from_pairs(set)).unwrap();
        assert_eq!((config.tolerance.seconds, config.queue.name()), (60, "deliveries.fifo"));
    }

    #[test]
    fn reports_all_problems_together() {
        let mut env = Environment::from_pairs([("SIGNATURE_TOLERANCE_SECONDS", "0"), ("AWS_REGION", "x")]);
        let problems = Config::from_environment(&mut env).unwrap_err().to_string();
        for name in [
            SECRET_ID,
            QUEUE_URL,
            TOLERANCE_SECONDS,
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(problems.contains(name), "{name} in {problems}");
        }
    }
}
