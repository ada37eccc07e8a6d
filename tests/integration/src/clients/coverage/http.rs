//! The HTTP calls and syslog, each made once. Other tests check their results; this one checks the audit log.

use std::sync::Arc;
use std::time::Duration;

use audit::{Memory, Writer};
use audit_delivery::settings::Transport;
use audit_delivery::{Outgoing, SyslogDestination, SyslogOptions};
use clients::cloudformation::CustomResourceResponse;
use clients::otlp::Collector;
use clients::siem::{Audited, HttpReceiver};
use doubles::syslog::SyslogDouble;
use doubles::{Double, Stub, System, otlp, siem};
use model::SystemClock;
use rules::Approvers;
use trace::Export as _;
use url::Url;
use uuid::Uuid;

use super::super::env::{GitLabEnv, SlackEnv, approvers, context, http, now, patience};
use super::super::slack_post::{EFFECT, alert};
use super::received::{Counts, count};
use super::seen::Seen;
use super::ways::Script;

pub(super) fn seen<S: System>(double: &Double<S>, lines: &Memory) -> Seen {
    Seen {
        lines: lines.clone(),
        address: double.url().trim_start_matches("http://").to_owned(),
        requests: count(&double.requests()),
    }
}

/// All GitLab requests about a merge.
pub(super) async fn merge_facts(stub: Option<Stub>) -> Seen {
    let env = GitLabEnv::start(stub.as_ref()).await;
    let approvers = Approvers {
        approval_rule: Some("Security".to_owned()),
        exclude_committers: true,
        ..approvers()
    };
    env.facts_for(&approvers).await;
    seen(&env.double, &env.lines)
}

pub(super) async fn post_message(stub: Option<Stub>) -> Seen {
    let env = SlackEnv::start(stub.as_ref()).await;
    let _ = env.client.post_message(&context(), &alert("C0SECLEAD", EFFECT)).await;
    seen(&env.double, &env.lines)
}

/// Posts the message first, so that it can be updated.
pub(super) async fn update_message(stub: Option<Stub>) -> Seen {
    let env = SlackEnv::start(stub.as_ref()).await;
    let message = alert("C0SECLEAD", EFFECT);
    let posted = env.client.post_message(&context(), &message).await.unwrap();
    let _ = env.client.update_message(&context(), &posted.ts, &message).await;
    seen(&env.double, &env.lines)
}

pub(super) async fn find_message(stub: Option<Stub>) -> Seen {
    let env = SlackEnv::start(stub.as_ref()).await;
    let _ = env.client.find_message(&context(), "C0SECLEAD", EFFECT, now()).await;
    seen(&env.double, &env.lines)
}

/// A double with the stub, if there is one.
async fn double<S: System>(stub: Option<&Stub>) -> (Double<S>, Url) {
    let double = Double::<S>::start().await;
    if let Some(stub) = stub {
        double.stub(stub.clone()).unwrap();
    }
    let url = Url::parse(&double.url()).unwrap();
    (double, url)
}

pub(super) async fn respond(stub: Option<Stub>) -> Seen {
    // Any server that accepts a PUT works.
    let stub = stub.unwrap_or_else(|| Stub::answering("PUT", "/response", 200, ""));
    let (double, url) = double::<siem::Siem>(Some(&stub)).await;
    let (client, lines) = http(&patience(Some(&stub)));
    let response = CustomResourceResponse {
        status: "SUCCESS",
        reason: String::new(),
        physical_resource_id: "migration".to_owned(),
        stack_id: "stack".to_owned(),
        request_id: "request".to_owned(),
        logical_resource_id: "Migration".to_owned(),
    };
    let url = url.join("response?X-Amz-Signature=hunter2").unwrap();
    let _ = client.respond_to_cloudformation(&context(), url, &response).await;
    assert!(lines.lines().iter().all(|line| !line.contains("hunter2")));
    seen(&double, &lines)
}

const LINE: &str = r#"{"id":"019cae0b-5527-7b1e-9c2d-4f5a6b7c8d9e"}"#;

fn batch() -> [Outgoing<'static>; 1] {
    let id = Uuid::from_u128(0x019c_ae0b_5527_7b1e_9c2d_4f5a_6b7c_8d9e);
    [Outgoing {
        position: 1,
        id,
        line: LINE,
    }]
}

pub(super) async fn post_events(stub: Option<Stub>) -> Seen {
    let (double, url) = double::<siem::Siem>(stub.as_ref()).await;
    let options = patience(stub.as_ref());
    let (client, lines) = http(&options);
    let receiver = HttpReceiver::new(client, url.join("in").unwrap(), None).unwrap();
    let _ = receiver.post_events(&context(), &batch(), options.timeout).await;
    seen(&double, &lines)
}

pub(super) async fn export(stub: Option<Stub>) -> Seen {
    let (double, url) = double::<otlp::Otlp>(stub.as_ref()).await;
    let (writer, lines) = Writer::memory("test", Arc::new(SystemClock));
    let destination = trace::ExportDestination {
        url: url.join("v1/traces").unwrap(),
        headers: vec![],
    };
    let collector = Collector::new(destination, writer, Arc::new(SystemClock)).unwrap();
    let body = br#"{"resourceSpans":[]}"#.to_vec();
    let _ = collector
        .export(&context(), body, patience(stub.as_ref()).timeout)
        .await;
    seen(&double, &lines)
}

pub(super) async fn send_syslog(script: Script) -> Seen {
    let double = SyslogDouble::start(Transport::Tcp);
    if let Script::Syslog(fault) = script {
        double.script([fault]);
    }
    let options = SyslogOptions {
        timeout: Duration::from_secs(2),
        ..SyslogOptions::default()
    };
    let (writer, lines) = Writer::memory("test", Arc::new(SystemClock));
    let address = double.address().clone();
    let destination = SyslogDestination::new(address.clone(), options).unwrap();
    let mut audited = Audited::syslog(Box::new(destination), &address.to_string(), writer);
    // On a separate thread, as in production: it blocks as long as the receiver does.
    let delivery = tokio::task::spawn_blocking(move || drop(audited.deliver(&context(), &batch())));
    delivery.await.unwrap();
    Seen {
        lines,
        address: format!("{}:{}", address.host, address.port),
        requests: Counts::from([("siem.syslog.send_events", double.connections() as u64)]),
    }
}
