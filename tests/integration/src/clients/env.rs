//! Shared by the client tests: a client with short timeouts, its audit lines, and a merged merge request.

use std::sync::Arc;
use std::time::Duration;

use audit::{ActorType, Context, Memory, Writer};
use clients::InvalidAddress;
use clients::gitlab::{FactsRequest, GitLab};
use clients::http::{Http, Options};
use clients::slack::Slack;
use doubles::gitlab::{self, GitLabDouble};
use doubles::slack::{self, SlackDouble};
use doubles::{Double, Fault, Stub, System};
use jiff::Timestamp;
use model::{
    FixedClock, GitLabAnswer, MergeRequestDetails, MergeRequestIid, MergeRequestKey, ProjectId, Reading, UserId,
};
use rules::{ApproverGroup, Approvers};
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

pub(super) const GITLAB_TOKEN: &str = "glpat-TopSecret_0123456789";
pub(super) const SLACK_TOKEN: &str = "xoxb-TopSecret-0123456789";
pub(super) const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A port with no listener: only the system's own service could use it.
pub(super) const UNREACHABLE: &str = "http://127.0.0.1:1";
/// Smaller than in production, so that large answers need not be very large.
pub(super) const BODY_LIMIT: usize = 1024 * 1024;

pub(super) fn now() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

pub(super) fn context() -> Context {
    Context::new(ActorType::WebhookEvent, Uuid::from_u128(7)).with_traceparent(Some(TRACEPARENT.to_owned()))
}

pub(super) fn key() -> MergeRequestKey {
    MergeRequestKey {
        instance: "main".to_owned(),
        project_id: ProjectId(77),
        mr_iid: MergeRequestIid(12),
    }
}

/// The path of [`key`] and of its subpaths.
pub(super) fn path(below: &str) -> String {
    format!("/api/v4/projects/77/merge_requests/12{below}")
}

pub(super) fn approvers() -> Approvers {
    Approvers {
        group: Some(group()),
        users: vec![UserId(900)],
        approval_rule: None,
        minimum: 1,
        exclude_committers: false,
    }
}

pub(super) fn group() -> ApproverGroup {
    ApproverGroup {
        id: 4242,
        include_inherited: false,
        minimum_access_level: 30,
    }
}

pub(super) fn http(options: &Options) -> (Http, Memory) {
    let clock = Arc::new(FixedClock(now()));
    let (writer, lines) = Writer::memory("test", clock.clone());
    (Http::new(options, writer, clock).unwrap(), lines)
}

pub(super) fn options() -> Options {
    Options {
        body_limit: BODY_LIMIT,
        ..Options::default()
    }
}

/// Short timeouts where the double hangs, and those of production elsewhere: a busy machine is slow.
pub(super) fn patience(stub: Option<&Stub>) -> Options {
    match stub.and_then(|stub| stub.fault) {
        Some(Fault::Hang | Fault::PostThenHang) => Options {
            timeout: Duration::from_millis(1500),
            ..options()
        },
        _ => options(),
    }
}

/// A client under test.
pub(super) trait Client<S>: Sized {
    /// Gives the double its credentials and content.
    fn prepare(double: &Double<S>);

    fn connect(http: Http, address: &str) -> Result<Self, InvalidAddress>;
}

/// A client, the double of the system that it calls, and its audit entries.
pub(super) struct ClientEnv<S, C> {
    pub(super) double: Double<S>,
    pub(super) client: C,
    pub(super) lines: Memory,
}

/// With one merged merge request, approved by a member of the security team.
pub(super) type GitLabEnv = ClientEnv<gitlab::GitLab, GitLab>;
pub(super) type SlackEnv = ClientEnv<slack::Slack, Slack>;

impl<S: System, C: Client<S>> ClientEnv<S, C> {
    pub(super) async fn open() -> Self {
        Self::start(None).await
    }

    pub(super) async fn with(stub: &Stub) -> Self {
        Self::start(Some(stub)).await
    }

    pub(super) async fn start(stub: Option<&Stub>) -> Self {
        let double = Double::start().await;
        C::prepare(&double);
        if let Some(stub) = stub {
            double.stub(stub.clone()).unwrap();
        }
        let (http, lines) = http(&patience(stub));
        let client = C::connect(http, &double.url()).unwrap();
        Self { double, client, lines }
    }

    /// The audit lines; as many as the double has seen requests.
    pub(super) fn entries(&self) -> Vec<Value> {
        let entries = self.lines.entries();
        assert_eq!(
            entries.len(),
            self.double.requests().len(),
            "one line for each request: {entries:#?}"
        );
        entries
    }
}

impl Client<gitlab::GitLab> for GitLab {
    fn prepare(double: &GitLabDouble) {
        double.world(|world| {
            world.token = Some(GITLAB_TOKEN.to_owned());
            world.projects.entry(77).or_default().path_with_namespace = "payments/gateway".to_owned();
            let merge_request = world.merge_request(77, 12);
            merge_request
                .set("title", "Rotate the signing keys")
                .set("author", 601)
                .set("sha", "5f1c");
            merge_request.set("labels", serde_json::json!(["security::high"]));
            merge_request
                .merged(602, "2026-03-02T10:15:00.000Z")
                .approved(501, "2026-03-02T10:00:00.250Z");
            merge_request.label_event("add", "security::high", 601, "2026-03-01T09:00:00.000Z");
            merge_request
                .version("5f1c", "77aa", "2026-03-01T09:00:00.000Z")
                .reviewer(502);
        });
    }

    fn connect(http: Http, address: &str) -> Result<Self, InvalidAddress> {
        Self::new(http, address, SecretString::from(GITLAB_TOKEN))
    }
}

impl Client<slack::Slack> for Slack {
    fn prepare(double: &SlackDouble) {
        double.world(|behaviour| behaviour.token = Some(SLACK_TOKEN.to_owned()));
    }

    fn connect(http: Http, address: &str) -> Result<Self, InvalidAddress> {
        Self::new(http, address, SecretString::from(SLACK_TOKEN))
    }
}

impl GitLabEnv {
    pub(super) async fn facts(&self) -> GitLabAnswer {
        self.facts_for(&approvers()).await
    }

    /// The facts with other rules.
    pub(super) async fn facts_for(&self, approvers: &Approvers) -> GitLabAnswer {
        let (key, context) = (key(), context());
        let request = FactsRequest {
            key: &key,
            approvers: Some(approvers),
            project_path: "payments/gateway",
            now: now(),
            expect_lag: false,
        };
        let group = approvers.group.clone();
        let members = async {
            let Some(group) = &group else {
                return Ok(Reading::Known(std::collections::BTreeSet::new()));
            };
            match self.client.members(&context, "main", group).await {
                Ok(members) => Ok(Reading::Known(members)),
                Err(error) if error.is_withheld() => Ok(Reading::Unknown(error.to_string())),
                Err(error) => Err(error),
            }
        };
        self.client.merge_facts(&context, request, members, |_| true).await
    }

    /// The facts, which must exist.
    pub(super) async fn answer(&self) -> MergeRequestDetails {
        match self.facts().await {
            GitLabAnswer::Full(answer) => *answer,
            other => panic!("no answer: {other:?}"),
        }
    }
}
