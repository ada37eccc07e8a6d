//! The previous release: its own programs, and a database that its own migrations made.

use std::process::{Command, Output};

use doubles::Stub;
use doubles::gitlab as double;
use doubles::payload::MergeRequest;
use doubles::postgres::{TestDatabase, config, empty_database};
use jiff::{SignedDuration, Timestamp, Unit};
use model::{Clock as _, Envelope, SystemClock};
use rules::Rules;
use serde_json::{Value, json};
use store::Group;
use uuid::Uuid;

use crate::env::{AUTHOR, Builder, TestEnv, api_path, envelope};
use crate::function::Function;
use crate::outbox::batch;
use crate::program::{of_previous, previous};

/// A bot that is a member of the security group.
pub(super) const BOT: u64 = 510;

/// The previous release's environment, and the time of the merges. The programs use the machine's clock, so it is a minute ago.
pub(super) struct Release {
    pub(super) env: TestEnv,
    pub(super) merged_at: Timestamp,
    rules: String,
}

/// The previous release's rules file.
pub(super) fn rules() -> String {
    std::fs::read_to_string(of_previous("tests/local/rules.yaml")).unwrap()
}

impl Release {
    /// On a database created by the previous release's own command.
    pub(super) async fn on_its_own_schema() -> Self {
        let database = empty_database().await;
        let made = countersign(
            &[
                ("DATABASE_OWNER_URL", &database.owner_url),
                ("DATABASE_URL", &database.app_url),
            ],
            &["migrate"],
        );
        assert!(made.status.success(), "{made:?}");
        // There is no command for an auditor's login; a deployment creates it manually.
        let login = config(&database.auditor_url);
        let password = login.password().unwrap();
        store::provision_login(&config(&database.owner_url), login.user(), password, Group::Auditor)
            .await
            .unwrap();
        Self::at(TestEnv::builder().on(database)).await
    }

    /// On a database that this version has migrated.
    pub(super) async fn on_this_schema() -> Self {
        Self::at(TestEnv::builder().database()).await
    }

    async fn at(builder: Builder) -> Self {
        let rules = Rules::parse(&rules()).unwrap();
        let env = builder.gitlab().slack().aws().rules(rules).build().await;
        let merged_at = SystemClock.now() - SignedDuration::from_mins(1);
        env.clock.set(SystemClock.now());
        env.gitlab().world(|world| {
            world.user(BOT, "sec-bot").bot = true;
            world.member(4242, BOT, 30);
        });
        Self {
            env,
            merged_at: merged_at.round(Unit::Second).unwrap(),
            rules: of_previous("tests/local/rules.yaml").display().to_string(),
        }
    }

    pub(super) fn database(&self) -> &TestDatabase {
        self.env.database()
    }

    /// One of its functions, started and ready.
    pub(super) async fn start(&self, name: &str) -> Function {
        self.start_by(name, &self.rules).await
    }

    /// The same with another rules file.
    pub(super) async fn start_by(&self, name: &str, rules: &str) -> Function {
        self.start_with(name, rules, &[]).await
    }

    /// The same with more variables.
    pub(super) async fn start_with(&self, name: &str, rules: &str, more: &[(&str, &str)]) -> Function {
        let mut variables = vec![("RULES_PATH", rules), ("EVENT_BUS_NAME", "ledger")];
        variables.extend(more);
        self.env.previous_function(name, &variables).await
    }

    /// This many seconds after the merge.
    pub(super) fn at_second(&self, seconds: i64) -> Timestamp {
        self.merged_at + SignedDuration::from_secs(seconds)
    }

    /// The same in GitLab's API format.
    pub(super) fn text(&self, seconds: i64) -> String {
        self.at_second(seconds).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
    }

    /// GitLab shows the merge request as merged by its author, labelled and pushed two hours before.
    pub(super) fn shown(&self, mr: &MergeRequest, with: impl FnOnce(&mut double::MergeRequest)) {
        let (long_before, merged) = (self.text(-7200), self.text(0));
        self.env.gitlab().world(|world| {
            let known = &mut world.projects.entry(mr.project).or_default().merge_requests;
            known.remove(&mr.iid);
            let shown = world.merge_request(mr.project, mr.iid);
            shown
                .set("title", "Rotate the signing keys")
                .set("labels", mr.labels.clone())
                .set("author", mr.author)
                .set("sha", mr.head.as_str())
                .set("created_at", long_before.as_str());
            for label in &mr.labels {
                shown.label_event("add", label, AUTHOR, &long_before);
            }
            shown.merged(AUTHOR, &merged).version(&mr.head, "p1", &long_before);
            with(shown);
        });
    }

    /// The same while it is still open.
    pub(super) fn shown_open(&self, mr: &MergeRequest, with: impl FnOnce(&mut double::MergeRequest)) {
        self.shown(mr, |shown| {
            shown.set("state", "opened").set("merged_at", Value::Null);
            with(shown);
        });
    }

    /// GitLab is down for the merge request, until the doubles' stubs are cleared.
    pub(super) fn down(&self, mr: &MergeRequest) {
        let path = api_path(mr);
        let answer = Stub::answering("GET", &path, 502, "down");
        self.env.gitlab().stub(answer).unwrap();
    }

    /// Sends the delivery of the merge to a processor.
    pub(super) async fn merge(&self, processor: &Function, mr: &MergeRequest) {
        let payload = mr.event("merge", AUTHOR, self.merged_at);
        self.deliver(processor, &payload).await;
    }

    /// Sends a delivery to a processor, under a new key.
    pub(super) async fn deliver(&self, processor: &Function, payload: &Value) {
        let key = Uuid::now_v7().to_string();
        self.deliver_as(processor, payload, &key).await;
    }

    pub(super) async fn deliver_as(&self, processor: &Function, payload: &Value, key: &str) {
        let envelope = envelope(payload, key);
        self.put(processor, envelope).await;
    }

    /// Sends an envelope to a processor, as the previous release's webhook function would have written it.
    pub(super) async fn put(&self, processor: &Function, mut envelope: Envelope) {
        envelope.received_at = SystemClock.now();
        let group = envelope
            .merge_request()
            .map_or_else(|| "unexpected".to_owned(), |key| key.to_string());
        let mut message = json!(envelope);
        message["content"].as_object_mut().unwrap().remove("labels_truncated");
        processor.completes(batch(&message.to_string(), &group, 1)).await;
    }

    /// Executes SQL that no program executes.
    pub(super) async fn as_owner(&self, sql: &str) {
        self.env.as_owner(sql).await;
    }
}

/// The previous release's command.
pub(super) fn countersign(variables: &[(&str, &str)], words: &[&str]) -> Output {
    let mut command = Command::new(previous("countersign"));
    command.envs(variables.iter().copied()).args(words).output().unwrap()
}
