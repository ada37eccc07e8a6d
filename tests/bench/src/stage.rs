//! The environment of a function: doubles of AWS and GitLab, a database, and the variables that name them.

use serde_json::json;

use super::delivery::{self, INSTANCE};
use doubles::aws::{self, AwsDouble};
use doubles::gitlab::{self, GitLabDouble};
use doubles::postgres::{self, TestDatabase};

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/rules.yaml");
/// Nothing listens there; no benchmarked function calls Slack.
const NOWHERE: &str = "http://127.0.0.1:9";
/// The inlet of the recorder.
pub(super) const INLET_ARN: &str = "arn:aws:sqs:eu-west-1:000000000000:audit-inlet";

/// The environment of one function.
pub(super) struct Stage {
    pub(super) aws: AwsDouble,
    pub(super) gitlab: GitLabDouble,
    pub(super) database: TestDatabase,
}

impl Stage {
    /// Sets up, with an empty migrated database.
    pub(super) async fn new() -> Self {
        Self::on(postgres::fresh_database().await).await
    }

    /// Sets up around a database.
    pub(super) async fn on(database: TestDatabase) -> Self {
        let stage = Self {
            aws: aws::start().await,
            gitlab: gitlab::start().await,
            database,
        };
        stage.wipe();
        stage
    }

    /// Clears requests and messages of the doubles, which would slow down later ones.
    pub(super) fn wipe(&self) {
        self.aws.reset();
        self.gitlab.reset();
        let outbound = json!({"gitlab": {INSTANCE: {"token": "glpat-bench"}}, "slack": {"bot_token": "xoxb-bench"}});
        let secrets = [
            ("bench/webhook", delivery::secret()),
            ("bench/outbound", outbound),
            ("bench/database", json!({"url": self.database.app_url})),
            ("bench/owner", json!({"url": self.database.owner_url})),
        ];
        for (id, value) in secrets {
            self.aws.put_secret(id, "AWSCURRENT", value);
        }
    }

    /// The variables of all functions; each reads its own.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.aws.url()),
            ("WEBHOOK_SECRET_ID", "bench/webhook".to_owned()),
            ("OUTBOUND_SECRET_ID", "bench/outbound".to_owned()),
            ("DATABASE_SECRET_ID", "bench/database".to_owned()),
            ("DATABASE_OWNER_SECRET_ID", "bench/owner".to_owned()),
            (
                "DELIVERIES_QUEUE_URL",
                format!("{NOWHERE}/000000000000/deliveries.fifo"),
            ),
            ("EFFECTS_QUEUE_URL", format!("{NOWHERE}/000000000000/effects.fifo")),
            ("AUDIT_RETRY_QUEUE_URL", format!("{NOWHERE}/000000000000/audit-retry")),
            ("AUDIT_INLET_QUEUE_URL", format!("{NOWHERE}/000000000000/audit-inlet")),
            ("AUDIT_INLET_QUEUE_ARN", INLET_ARN.to_owned()),
            ("RULES_PATH", RULES.to_owned()),
            ("GITLAB_API_URL", self.gitlab.url()),
            ("SLACK_API_URL", NOWHERE.to_owned()),
        ]
    }
}
