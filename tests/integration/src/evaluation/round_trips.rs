//! How often a delivery waits for Postgres, GitLab and SQS, counted on the wire.

use app::{App, DeliveryReport, Outbox};
use doubles::payload::MergeRequest;
use doubles::postgres::fresh_database;
use doubles::postgres_proxy::PostgresProxy;
use doubles::{Recorded, Stub};
use jiff::SignedDuration;
use rules::Rules;
use serde_json::json;
use uuid::Uuid;

use crate::env::{AUTHOR, HIGH, OUTSIDER, PROJECT, TestEnv, api_path, at, envelope};
use crate::runtime::Parts;

/// The local stack's rules: Linear, Jira, Confluence and pods.
const RULES: &str = include_str!("../../../tools/rules.yaml");
const FIRST: u64 = 100;

/// An environment whose application uses a database proxy and has processed one merge of each kind.
async fn with_proxy() -> (TestEnv, App, PostgresProxy) {
    let mut database = fresh_database().await;
    let proxy = PostgresProxy::start(&database.app_url).await;
    database.app_url.clone_from(&proxy.url);
    let env = TestEnv::builder()
        .gitlab()
        .on(database)
        .rules(Rules::parse(RULES).unwrap())
        .build()
        .await;
    let app = env.app_with_event_bus("ledger");
    for (iid, labels) in [(FIRST, HIGH), (FIRST + 1, &[])] {
        let mr = MergeRequest::new(PROJECT, iid, labels);
        merged(&env, &mr);
        process(&app, &mr, "merge").await;
    }
    env.clock.pass(SignedDuration::from_secs(11));
    proxy.clear();
    (env, app, proxy)
}

fn merged(env: &TestEnv, mr: &MergeRequest) {
    let labels = mr.labels.clone();
    env.merged(mr, |shown| {
        for label in &labels {
            shown.label_event("add", label, AUTHOR, "2026-03-02T09:00:00.000Z");
        }
        shown.approved(OUTSIDER, "2026-03-02T10:00:00.000Z");
    });
}

async fn process(app: &App, mr: &MergeRequest, action: &str) -> DeliveryReport {
    let payload = mr.event(action, AUTHOR, at("12:00:00"));
    let delivery = envelope(&payload, &Uuid::now_v7().to_string());
    Box::pin(app::process_delivery(app, &delivery)).await.unwrap()
}

#[tokio::test]
async fn an_unlabelled_merge_takes_three_round_trips() {
    let (env, app, proxy) = with_proxy().await;
    let mr = MergeRequest::new(PROJECT, 1, &[]);
    merged(&env, &mr);
    let report = process(&app, &mr, "merge").await;
    assert_eq!(report.outcome.as_str(), "not_carried");
    assert_eq!(proxy.round_trips(), 3, "{:#?}", proxy.statements());
    assert_eq!(asked(&env).len(), 2);
}

#[tokio::test]
async fn unlabelled_event_takes_two_round_trips() {
    let (env, app, proxy) = with_proxy().await;
    let report = process(&app, &MergeRequest::new(PROJECT, 1, &[]), "update").await;
    assert_eq!(report.outcome.as_str(), "recorded");
    assert_eq!(proxy.round_trips(), 2, "{:#?}", proxy.statements());
    assert_eq!(asked(&env), []);
}

#[tokio::test]
async fn exception_with_all_effects_takes_four_round_trips() {
    let (env, app, proxy) = with_proxy().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    merged(&env, &mr);
    let report = process(&app, &mr, "merge").await;
    assert_eq!(report.outcome.as_str(), "exception");
    assert_eq!(report.effects.len(), 6, "{:#?}", report.effects);
    assert_eq!(proxy.round_trips(), 4, "{:#?}", proxy.statements());
}

#[tokio::test]
async fn an_exception_of_a_known_review_takes_five() {
    let (env, app, proxy) = with_proxy().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.gitlab().world(|world| {
        world.merge_request(mr.project, mr.iid).set("labels", json!(HIGH));
    });
    process(&app, &mr, "update").await;
    env.clock.pass(SignedDuration::from_secs(11));
    merged(&env, &mr);
    proxy.clear();
    let report = process(&app, &mr, "merge").await;
    assert_eq!(report.outcome.as_str(), "exception");
    assert_eq!(report.effects.len(), 6, "{:#?}", report.effects);
    assert_eq!(proxy.round_trips(), 5, "{:#?}", proxy.statements());
}

#[tokio::test]
async fn gitlab_is_asked_seven_times_in_two_stages() {
    let (env, app, _) = with_proxy().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    merged(&env, &mr);
    let delay_ms = 400;
    for (place, path) in read_of(&mr).into_iter().enumerate() {
        let slow = json!({"method": "GET", "path": path, "delay_ms": delay_ms});
        let stubbed = env.gitlab().stub(serde_json::from_value::<Stub>(slow).unwrap());
        assert!(stubbed.is_ok(), "{place}");
    }
    process(&app, &mr, "merge").await;
    let requests = asked(&env);
    let mut paths = paths(&requests);
    assert_eq!(paths.len(), 7, "{paths:#?}");
    // Requests sent before an answer arrived form one stage.
    let half = SignedDuration::from_millis(delay_ms / 2);
    let next = requests
        .windows(2)
        .filter(|pair| pair[1].time.duration_since(pair[0].time) > half);
    assert_eq!(next.count() + 1, 2, "{paths:#?}");
    paths.sort_unstable();
    let mut expected = read_of(&mr);
    expected.sort_unstable();
    assert_eq!(paths, expected, "each of them once");
}

fn paths(requests: &[Recorded]) -> Vec<&str> {
    fn path(request: &Recorded) -> &str {
        request.path.split('?').next().unwrap_or_default()
    }
    requests.iter().map(path).collect()
}

/// GitLab requests for the verdict on a labelled merge.
fn read_of(mr: &MergeRequest) -> Vec<String> {
    let base = api_path(mr);
    let parts = [
        "",
        "/resource_label_events",
        "/approvals",
        "/approval_state",
        "/versions",
        "/reviewers",
    ];
    let of_merge_request = parts.map(|part| format!("{base}{part}"));
    let mut all = of_merge_request.to_vec();
    all.push("/api/v4/groups/4242/members".to_owned());
    all
}

/// GitLab requests after the first merges.
fn asked(env: &TestEnv) -> Vec<Recorded> {
    let first = [FIRST, FIRST + 1].map(|iid| format!("/merge_requests/{iid}"));
    let mut requests = env.gitlab().requests();
    let last = requests
        .iter()
        .rposition(|request| first.iter().any(|path| request.path.contains(path)));
    requests.split_off(last.map_or(0, |last| last + 1))
}

#[tokio::test]
async fn all_effects_are_one_call_to_sqs() {
    let (env, app, _) = with_proxy().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    merged(&env, &mr);
    let report = process(&app, &mr, "merge").await;
    let aws = doubles::aws::start().await;
    let queue = Parts::calling(&aws.url()).queue;
    Outbox::new(queue).enqueue_all(&report.effects).await;
    assert_eq!((aws.requests().len(), aws.messages().len()), (1, 6));
}
