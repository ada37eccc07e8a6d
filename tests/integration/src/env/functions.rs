//! The functions' binaries and the command line, started with the addresses of the environment's parts.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use doubles::Double;
use serde_json::{Value, json};

use super::TestEnv;
use crate::function::Function;
use crate::program::{built, countersign, previous};

const EFFECTS_QUEUE: &str = "http://127.0.0.1:9/000000000000/effects.fifo";
/// The secret of the webhook function.
pub(crate) const WEBHOOK_SECRET: &str = "countersign/webhook";
pub(crate) const DELIVERIES_QUEUE: &str = "http://127.0.0.1:9/000000000000/deliveries.fifo";
pub(crate) const AUDIT_INLET_QUEUE: &str = "http://127.0.0.1:9/000000000000/audit-inlet";
pub(crate) const AUDIT_INLET_ARN: &str = "arn:aws:sqs:eu-west-1:000000000000:audit-inlet";
pub(crate) const AUDIT_RETRY_QUEUE: &str = "http://127.0.0.1:9/000000000000/audit-retry";
const OUTBOUND: &str = "countersign/outbound";
/// The timeout of an invocation.
const TIMEOUT: Duration = Duration::from_secs(30);

impl TestEnv {
    /// Replaces the secret with the credentials of other systems.
    pub(crate) fn put_outbound_secret(&self, secret: Value) {
        self.aws().put_secret(OUTBOUND, "AWSCURRENT", secret);
    }

    /// Rotates the bot token in the outbound secret.
    pub(crate) fn put_slack_token(&self, token: &str) {
        self.put_outbound_secret(json!({"gitlab": {"main": {"token": "glpat-test"}}, "slack": {"bot_token": token}}));
    }

    /// A function, started and ready.
    pub(crate) async fn function(&self, name: &str) -> Function {
        self.function_with(name, &[]).await
    }

    /// The same; these variables override others.
    pub(crate) async fn function_with(&self, name: &str, more: &[(&str, &str)]) -> Function {
        self.start(TIMEOUT, &built(name), name, more).await
    }

    /// The same with this timeout per invocation.
    pub(crate) async fn function_with_timeout(&self, name: &str, timeout: Duration) -> Function {
        self.start(timeout, &built(name), name, &[]).await
    }

    /// The same function of the previous release.
    pub(crate) async fn previous_function(&self, name: &str, more: &[(&str, &str)]) -> Function {
        self.start(TIMEOUT, &previous(name), name, more).await
    }

    /// Runs the command line as the auditor.
    pub(crate) fn countersign(&self, words: &[&str]) -> Output {
        countersign(&self.database().auditor_url, words)
    }

    /// The variables of all functions.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let siem = self.siem.as_ref();
        let addresses = [
            ("AWS_ENDPOINT_URL", self.aws.as_ref().map(Double::url)),
            ("GITLAB_API_URL", self.gitlab.as_ref().map(Double::url)),
            ("SLACK_API_URL", self.slack.as_ref().map(Double::url)),
            ("LINEAR_API_URL", self.linear.as_ref().map(Double::url)),
            ("JIRA_API_URL", self.jira.as_ref().map(Double::url)),
            ("CONFLUENCE_API_URL", self.confluence.as_ref().map(Double::url)),
            (
                "AUDIT_LOG_HTTP_ENDPOINT",
                siem.map(|double| format!("{}/in", double.url())),
            ),
            ("AUDIT_LOG_DESTINATION", siem.map(|_| "stdout,http".to_owned())),
        ];
        let fixed = [
            ("DATABASE_SECRET_ID", "app"),
            ("DATABASE_OWNER_SECRET_ID", "owner"),
            ("OUTBOUND_SECRET_ID", OUTBOUND),
            ("WEBHOOK_SECRET_ID", WEBHOOK_SECRET),
            ("DELIVERIES_QUEUE_URL", DELIVERIES_QUEUE),
            ("EFFECTS_QUEUE_URL", EFFECTS_QUEUE),
            ("AUDIT_RETRY_QUEUE_URL", AUDIT_RETRY_QUEUE),
            ("AUDIT_INLET_QUEUE_URL", AUDIT_INLET_QUEUE),
            ("AUDIT_INLET_QUEUE_ARN", AUDIT_INLET_ARN),
            ("RULES_PATH", self.rules_path),
        ];
        let fixed = fixed.map(|(name, value)| (name, value.to_owned()));
        let addresses = addresses.into_iter().filter_map(|(name, url)| Some((name, url?)));
        fixed.into_iter().chain(addresses).collect()
    }

    async fn start(&self, timeout: Duration, program: &Path, name: &str, more: &[(&str, &str)]) -> Function {
        let usual = self.variables();
        let usual = usual.iter().map(|(name, value)| (*name, value.as_str()));
        let variables: Vec<_> = usual.chain(more.iter().copied()).collect();
        let function = Function::of_program(timeout, program, name, &variables).await;
        function.started().await;
        function
    }
}
