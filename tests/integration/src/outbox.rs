//! The outbox and its functions as separate processes: a real Postgres, doubles of GitLab, Slack and AWS, no emulator.

mod event;
mod requests;
mod rows;

use std::path::Path;
use std::time::Duration;

use doubles::aws::{self, AwsDouble};
use doubles::postgres::connect;
use doubles::slack::{self, SlackDouble};
use doubles::{Fault, Stub};
use model::Effect;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::evaluation::world::{AUTHOR, World, at};
use crate::function::Function;
use crate::program::{built, previous};
pub(crate) use event::{batch, delivery, message, relay, unapproved};
pub(crate) use requests::{asked_to_post, is_send_message};
pub(crate) use rows::Row;

pub(crate) const POST: &str = "/api/chat.postMessage";
pub(crate) const UPDATE: &str = "/api/chat.update";
pub(crate) const HISTORY: &str = "/api/conversations.history";
const QUEUE: &str = "http://127.0.0.1:9/000000000000/effects.fifo";
const OUTBOUND: &str = "countersign/outbound";

/// The environment of the functions.
pub(crate) struct Stand {
    pub(crate) world: World,
    pub(crate) slack: SlackDouble,
    pub(crate) aws: AwsDouble,
    pub(crate) owner: Client,
}

impl Stand {
    pub(crate) async fn new() -> Self {
        Self::around(World::new().await).await
    }

    /// The same around a world with its own rules.
    pub(crate) async fn around(world: World) -> Self {
        let owner = connect(&world.database.owner_url).await;
        let (slack, aws) = (slack::start().await, aws::start().await);
        for (id, url) in [("app", &world.database.app_url), ("owner", &world.database.owner_url)] {
            aws.put_secret(id, "AWSCURRENT", json!({"url": url}));
        }
        let stand = Self {
            world,
            slack,
            aws,
            owner,
        };
        stand.put_slack_token("xoxb-first");
        stand
    }

    /// Rotates the bot token in the outbound secret.
    pub(crate) fn put_slack_token(&self, token: &str) {
        let secret = json!({"gitlab": {"main": {"token": "glpat-test"}}, "slack": {"bot_token": token}});
        self.aws.put_secret(OUTBOUND, "AWSCURRENT", secret);
    }

    /// A function, started and ready; `more` overrides variables.
    pub(crate) async fn start(&self, name: &str, more: &[(&str, &str)]) -> Function {
        self.start_with_timeout(Duration::from_secs(30), name, more).await
    }

    /// The same with this timeout per invocation.
    pub(crate) async fn start_with_timeout(&self, timeout: Duration, name: &str, more: &[(&str, &str)]) -> Function {
        self.start_program(timeout, &built(name), name, more).await
    }

    /// The same function of the previous release.
    pub(crate) async fn start_previous(&self, name: &str, more: &[(&str, &str)]) -> Function {
        self.start_program(Duration::from_secs(30), &previous(name), name, more)
            .await
    }

    async fn start_program(&self, timeout: Duration, program: &Path, name: &str, more: &[(&str, &str)]) -> Function {
        let (aws, gitlab, slack) = (self.aws.url(), self.world.gitlab.url(), self.slack.url());
        let mut variables = vec![
            ("AWS_ENDPOINT_URL", aws.as_str()),
            ("GITLAB_API_URL", gitlab.as_str()),
            ("SLACK_API_URL", slack.as_str()),
            ("DATABASE_SECRET_ID", "app"),
            ("DATABASE_OWNER_SECRET_ID", "owner"),
            ("OUTBOUND_SECRET_ID", OUTBOUND),
            ("EFFECTS_QUEUE_URL", QUEUE),
            ("RULES_PATH", concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules.yaml")),
        ];
        variables.extend(more);
        let function = Function::of_program(timeout, program, name, &variables).await;
        function.started().await;
        function
    }

    pub(crate) async fn notifier(&self) -> Function {
        self.start("notifier", &[]).await
    }

    /// The effect of a merge without approval, due immediately: the evaluator's clock shows a past day.
    pub(crate) async fn effect(&self, iid: u64) -> Effect {
        let mr = unapproved(iid);
        self.world.merged(&mr, |_| ());
        let mut report = self.world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
        assert_eq!(report.effects.len(), 1);
        report.effects.remove(0)
    }

    /// Invokes a function with a batch and expects complete success.
    pub(crate) async fn done(&self, function: &Function, batch: Value) {
        let answer = function.invoke(batch).await;
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }

    /// Sends the notifier the effect's message with the number of attempts in its row.
    pub(crate) async fn attempt(&self, notifier: &Function, effect: &Effect) -> Row {
        let attempts = self.row(effect.id).await.attempts;
        self.done(notifier, message(effect, attempts)).await;
        self.row(effect.id).await
    }

    /// Makes every call to SQS fail like this; use only after a function has read its secrets from the same address.
    pub(crate) fn queue_fails(&self, fault: Fault) {
        self.aws.stub(Stub::failing("POST", "/", fault)).unwrap();
    }
}
