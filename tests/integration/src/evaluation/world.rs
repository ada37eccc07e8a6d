//! One evaluator in its environment, and helpers for tests.

use std::sync::Arc;

use app::{App, DeliveryReport, GitLabCredentials, Instances};
use audit::{Memory, Writer};
use clients::http::{Http, Options};
use doubles::clock::MovableClock;
use doubles::gitlab::{self as double, GitLabDouble};
use doubles::payload::MergeRequest;
use doubles::postgres::{TestDatabase, connect, fresh_database};
use inbound::gitlab::{Classified, classify};
use jiff::{SignedDuration, Timestamp};
use model::{
    AuditLine, AuthMethod, Authentication, Clock, Content, DeliveryIds, Envelope, MergeRequestIid, MergeRequestKey,
    ProjectId,
};
use rules::Rules;
use serde_json::Value;
use store::StoredDecision;
use tokio_postgres::Client;
use uuid::Uuid;

pub(crate) const ALICE: u64 = 501;
pub(crate) const AUTHOR: u64 = 601;
pub(crate) const OUTSIDER: u64 = 700;
pub(crate) const PROJECT: u64 = 77;
pub(crate) const HIGH: &[&str] = &["security::high"];

/// A time on the day of the merge.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-03-02T{time}Z").parse().unwrap()
}

pub(crate) struct World {
    pub(crate) gitlab: GitLabDouble,
    pub(crate) evaluator: Arc<App>,
    pub(crate) clock: MovableClock,
    audit: Memory,
    pub(crate) auditor: Client,
    pub(crate) database: TestDatabase,
    rules: Arc<Rules>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_rules(include_str!("../rules.yaml")).await
    }

    /// With these rules instead of the local stack's.
    pub(crate) async fn with_rules(rules: &str) -> Self {
        Self::with(Rules::parse(rules).unwrap()).await
    }

    pub(crate) async fn with(rules: Rules) -> Self {
        Self::on(fresh_database().await, rules).await
    }

    /// On a database that already has its logins.
    pub(crate) async fn on(database: TestDatabase, rules: Rules) -> Self {
        let rules = Arc::new(rules);
        let gitlab = double::start().await;
        let clock = MovableClock::at(at("12:00:02"));
        let (audit, lines) = Writer::memory("test", Arc::new(clock.clone()));
        let evaluator = Arc::new(evaluator(&database, &gitlab, &clock, audit, &rules));
        let auditor = connect(&database.auditor_url).await;
        Self {
            gitlab,
            evaluator,
            clock,
            audit: lines,
            auditor,
            database,
            rules,
        }
    }

    /// The audit entries of one action so far.
    pub(crate) fn entries(&self, action: &str) -> Vec<Value> {
        let mut entries = self.audit.entries();
        entries.retain(|entry| entry["action"] == action);
        entries
    }

    /// A second execution environment with the same database.
    pub(crate) fn another(&self) -> Arc<App> {
        let (audit, _) = Writer::memory("test", Arc::new(self.clock.clone()));
        Arc::new(evaluator(&self.database, &self.gitlab, &self.clock, audit, &self.rules))
    }

    /// The same with an event for each ledger row.
    pub(crate) fn with_event_bus(&self, name: &str) -> App {
        let (audit, _) = Writer::memory("test", Arc::new(self.clock.clone()));
        let evaluator = evaluator(&self.database, &self.gitlab, &self.clock, audit, &self.rules);
        evaluator.with_event_bus(Some(name.to_owned()))
    }

    /// GitLab shows the merge request as merged at noon, with these labels, by its author.
    pub(crate) fn merged(&self, mr: &MergeRequest, with: impl FnOnce(&mut double::MergeRequest)) {
        let labels = mr.labels.clone();
        self.gitlab.world(|world| {
            let shown = world.merge_request(mr.project, mr.iid);
            shown
                .set("title", "Rotate the signing keys")
                .set("labels", labels)
                .set("author", mr.author)
                .set("sha", mr.head.as_str());
            shown
                .merged(mr.author, "2026-03-02T12:00:00.000Z")
                .version(&mr.head, "p1", "2026-03-02T08:00:00.000Z");
            with(shown);
        });
    }

    pub(crate) async fn deliver(&self, payload: &Value) -> DeliveryReport {
        self.deliver_as(payload, &Uuid::now_v7().to_string()).await
    }

    /// The same with a key of the delivery: GitLab keeps it when a person presses "Resend".
    pub(crate) async fn deliver_as(&self, payload: &Value, delivery_key: &str) -> DeliveryReport {
        let received_at = self.now() - SignedDuration::from_secs(1);
        let envelope = Envelope {
            received_at,
            ..envelope(payload, delivery_key)
        };
        app::process_delivery(&self.evaluator, &envelope).await.unwrap()
    }

    /// The approver withdrew the approval before the merge; it is reported only now, and GitLab confirms it a minute later.
    pub(crate) async fn taken_back(&self, evaluator: &App, mr: &MergeRequest) -> DeliveryReport {
        let late = envelope(
            &mr.event("unapproved", ALICE, at("11:00:00")),
            &Uuid::now_v7().to_string(),
        );
        let report = app::process_delivery(evaluator, &late).await.unwrap();
        assert_eq!(report.outcome.as_str(), "unconfirmed");
        self.gitlab
            .world(|world| world.merge_request(mr.project, mr.iid).approved_by.clear());
        self.clock.pass(SignedDuration::from_secs(61));
        let store = evaluator.store();
        let due = store
            .claim_due_rereads(self.now(), 10, SignedDuration::from_mins(2))
            .await
            .unwrap();
        assert_eq!(due.len(), 1);
        app::read_merge_again(evaluator, &due[0]).await.unwrap()
    }

    /// Runs a minute of maintenance: reads everything due; returns the sorted outcomes.
    pub(crate) async fn maintain(&self) -> Vec<String> {
        let store = self.evaluator.store();
        let lease = SignedDuration::from_mins(2);
        let mut due = store.claim_due_evaluations(self.now(), 100, lease).await.unwrap();
        due.extend(store.claim_due_rereads(self.now(), 100, lease).await.unwrap());
        let mut outcomes = Vec::new();
        for evaluation in due {
            let report = Box::pin(app::read_merge_again(&self.evaluator, &evaluation))
                .await
                .unwrap();
            outcomes.push(report.outcome.as_str().to_owned());
        }
        outcomes.sort();
        outcomes
    }

    pub(crate) async fn decision(&self, mr: &MergeRequest) -> Option<StoredDecision> {
        let mut tx = self.evaluator.store().begin().await.unwrap();
        let decision = tx.current_decision(&key(mr)).await.unwrap();
        tx.rollback().await.unwrap();
        decision
    }

    /// One number from an auditor's query about a merge request.
    pub(crate) async fn count(&self, what: &str, mr: &MergeRequest) -> i64 {
        let sql = format!(
            "SELECT count(*) FROM {what} AND project_id = {} AND mr_iid = {}",
            mr.project, mr.iid
        );
        let rows = self.auditor.query_typed(&sql, &[]).await.unwrap();
        rows[0].get(0)
    }

    /// Kind and status of the merge request's exception.
    pub(crate) async fn exception(&self, mr: &MergeRequest) -> Option<(String, String)> {
        let sql = format!(
            "SELECT kind, status FROM security_review_exceptions WHERE project_id = {} AND mr_iid = {}",
            mr.project, mr.iid
        );
        let rows = self.auditor.query_typed(&sql, &[]).await.unwrap();
        assert!(rows.len() < 2, "two rows for one merge");
        rows.first().map(|row| (row.get(0), row.get(1)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn evaluator(
    database: &TestDatabase,
    gitlab: &GitLabDouble,
    clock: &MovableClock,
    audit: Writer,
    rules: &Arc<Rules>,
) -> App {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let http = Http::new(&Options::default(), audit.clone(), Arc::clone(&clock)).unwrap();
    let credentials = ["main", "acquired"].map(|instance| {
        let token = "glpat-test".into();
        (instance.to_owned(), GitLabCredentials { token })
    });
    let credentials = credentials.into();
    let instances = Instances::new(&http, rules, &credentials, Some(&gitlab.url()));
    App::new(Arc::new(database.store()), Arc::clone(rules), instances, clock, audit)
}

pub(crate) fn key(mr: &MergeRequest) -> MergeRequestKey {
    MergeRequestKey {
        instance: "main".to_owned(),
        project_id: ProjectId(mr.project.try_into().unwrap()),
        mr_iid: MergeRequestIid(mr.iid.try_into().unwrap()),
    }
}

/// The envelope that the webhook function creates from a payload.
pub(crate) fn envelope(payload: &Value, delivery_key: &str) -> Envelope {
    let received_at = at("12:00:01");
    let Classified::MergeRequest(event) = classify(payload.to_string().as_bytes(), received_at) else {
        panic!("no merge-request event: {payload}");
    };
    Envelope {
        version: Envelope::VERSION,
        correlation_id: Uuid::now_v7(),
        traceparent: None,
        received_at,
        authentication: Authentication {
            method: AuthMethod::HmacSha256,
            hook: "test".to_owned(),
            instance: "main".to_owned(),
            stale: false,
        },
        delivery: DeliveryIds {
            key: Some(delivery_key.to_owned()),
            id: Some(delivery_key.to_owned()),
            event_uuid: None,
        },
        payload_sha256: "0".repeat(64),
        audit_line: AuditLine {
            stream_id: Uuid::now_v7(),
            seq: 1,
        },
        content: Content::MergeRequest(Box::new(*event)),
    }
}
