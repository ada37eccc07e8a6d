//! The outbox and its functions as separate processes: a real Postgres, doubles of GitLab, Slack and AWS, no emulator.

mod event;

use std::path::Path;
use std::time::Duration;

use doubles::aws::{self, AwsDouble};
use doubles::postgres::connect;
use doubles::slack::{self, SlackDouble};
use doubles::{Fault, Recorded, Stub};
use jiff::Timestamp;
use model::Effect;
use serde_json::{Value, json};
use tokio_postgres::Client;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::evaluation::world::{AUTHOR, World, at};
use crate::function::Function;
use crate::program::{built, previous};
pub(crate) use event::{batch, delivery, message, relay, unapproved};

pub(crate) const POST: &str = "/api/chat.postMessage";
pub(crate) const UPDATE: &str = "/api/chat.update";
pub(crate) const HISTORY: &str = "/api/conversations.history";
/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);
const QUEUE: &str = "http://127.0.0.1:9/000000000000/effects.fifo";
const OUTBOUND: &str = "countersign/outbound";

/// The environment of the functions.
pub(crate) struct Stand {
    pub(crate) world: World,
    pub(crate) slack: SlackDouble,
    pub(crate) aws: AwsDouble,
    pub(crate) owner: Client,
}

/// The columns of an `effects` row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) next_attempt_at: Timestamp,
    pub(crate) external_id: Option<String>,
    pub(crate) error_class: Option<String>,
    pub(crate) reason: Option<String>,
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

    pub(crate) async fn row(&self, id: Uuid) -> Row {
        let sql = "SELECT state, attempts, not_before, next_attempt_at, external_id, last_error_class,
                coalesce(superseded_because, last_error)
            FROM effects WHERE id = $1";
        let rows = self.world.auditor.query_typed(sql, &[(&id, Type::UUID)]).await.unwrap();
        let row = &rows[0];
        Row {
            state: row.get(0),
            attempts: row.get(1),
            not_before: row.get(2),
            next_attempt_at: row.get(3),
            external_id: row.get(4),
            error_class: row.get(5),
            reason: row.get(6),
        }
    }

    /// The rows of `effect_attempts` in order: `1 begun`, or `1 ended: done`, with `(late)` if the effect was unchanged.
    pub(crate) async fn attempts(&self, id: Uuid) -> Vec<String> {
        let sql = "SELECT attempt || ' ' || phase || coalesce(': ' || outcome, '') || CASE WHEN applied THEN '' ELSE
                CASE WHEN phase = 'ended' THEN ' (late)' ELSE '' END END
            FROM effect_attempts WHERE effect_id = $1 ORDER BY attempt, phase";
        let rows = self.world.auditor.query_typed(sql, &[(&id, Type::UUID)]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Ends everything the effect waits for: the caller's grace period, the target's delay, a claim, a lease.
    pub(crate) async fn make_due(&self, id: Uuid) {
        let sql = "UPDATE effects SET next_attempt_at = now() - interval '1 second',
                not_before = not_before - (not_before - now()) - interval '1 second',
                lease_until = lease_until - (lease_until - now()) - interval '1 second'
            WHERE id = $1";
        let changed = self.owner.execute_typed(sql, &[(&id, Type::UUID)]).await.unwrap();
        assert_eq!(changed, 1);
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

    /// How many requests the Slack double received at `path`.
    pub(crate) fn asked(&self, path: &str) -> usize {
        let requests = self.slack.requests();
        requests.iter().filter(|request| at_path(request, path)).count()
    }

    /// Ends the functions and expects one audit entry for each request that the Slack double received.
    pub(crate) fn audited<const N: usize>(&self, mut functions: [Function; N]) {
        for function in &mut functions {
            function.kill();
        }
        for (path, action) in [
            (POST, "slack.api.post_message"),
            (UPDATE, "slack.api.update_message"),
            (HISTORY, "slack.api.get_history"),
        ] {
            let entries = |function: &Function| function.entries(action, 0).len();
            assert_eq!(
                functions.iter().map(entries).sum::<usize>(),
                self.asked(path),
                "{action}"
            );
        }
    }

    /// Invokes a function and kills it as soon as SQS, GitLab or Slack has received the request that `asked` waits for.
    pub(crate) async fn kill_when(
        &self,
        function: &mut Function,
        event: Value,
        asked: impl Future<Output = Result<Vec<Recorded>, Vec<Recorded>>>,
    ) {
        tokio::select! {
            answer = function.invoke(event) => panic!("answered before it was killed: {answer}"),
            asked = asked => drop(asked.unwrap()),
        }
        function.kill();
    }

    /// Waits until SQS has received a message request.
    pub(crate) async fn queue_asked(&self) -> Result<Vec<Recorded>, Vec<Recorded>> {
        self.aws
            .wait_for(PATIENCE, |seen| seen.iter().any(is_send_message))
            .await
    }

    /// Waits until Slack has received a request to post a message.
    pub(crate) async fn slack_asked(&self) -> Result<Vec<Recorded>, Vec<Recorded>> {
        asked_to_post(&self.slack).await
    }

    /// Waits until GitLab has received a request for the merge request.
    pub(crate) async fn gitlab_asked(&self, path: &str) -> Result<Vec<Recorded>, Vec<Recorded>> {
        let asked = |seen: &[Recorded]| seen.iter().any(|request| at_path(request, path));
        self.world.gitlab.wait_for(PATIENCE, asked).await
    }

    /// Makes every call to SQS fail like this; use only after a function has read its secrets from the same address.
    pub(crate) fn queue_fails(&self, fault: Fault) {
        self.aws.stub(Stub::failing("POST", "/", fault)).unwrap();
    }
}

pub(crate) async fn asked_to_post(slack: &SlackDouble) -> Result<Vec<Recorded>, Vec<Recorded>> {
    let asked = |seen: &[Recorded]| seen.iter().any(|request| at_path(request, POST));
    slack.wait_for(PATIENCE, asked).await
}

pub(crate) fn is_send_message(request: &Recorded) -> bool {
    let target = request.headers.get("x-amz-target");
    target.is_some_and(|target| target.starts_with("AmazonSQS.SendMessage"))
}

fn at_path(request: &Recorded, path: &str) -> bool {
    request.path.split('?').next() == Some(path)
}
