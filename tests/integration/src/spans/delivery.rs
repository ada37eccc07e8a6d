//! One delivery is one trace; without tracing its trace is passed on unchanged.

use std::collections::BTreeSet;

use doubles::otlp::Span;
use serde_json::json;

use super::{KEY, PARENT, TRACE, Traced, named, only, sampled};

#[tokio::test]
async fn delivery_is_one_trace_from_webhook_to_slack() {
    let traced = Traced::new().await;
    let (mut functions, correlation_id) = traced.deliver(&sampled()).await;
    let all = traced.collector.spans();
    let spans: Vec<Span> = all.iter().filter(|span| span.trace_id == TRACE).cloned().collect();

    let work = chain(&spans);
    calls_belong_to(&work, &spans, &correlation_id);

    // The work at the functions' start is a separate trace, named by the start's correlation id.
    for span in all.iter().filter(|span| span.trace_id != TRACE) {
        assert_eq!(span.name, "secretsmanager.api.get_secret_value");
        assert_eq!(span.attributes["correlation_id"].replace('-', ""), span.trace_id);
    }

    // Each outside request names the exported span of that request as its parent.
    let requests = traced.outside();
    let carried: BTreeSet<String> = requests
        .iter()
        .map(|request| request.headers["traceparent"].clone())
        .collect();
    let calls = spans
        .iter()
        .filter(|span| span.name.starts_with("gitlab.api.") || span.name.starts_with("slack.api."));
    let exported: BTreeSet<String> = calls.map(|span| format!("00-{TRACE}-{}-01", span.id)).collect();
    assert_eq!((carried.len(), &carried), (requests.len(), &exported));

    // The span of a call and its audit entry refer to each other.
    let entry = &functions[2].entries("slack.api.post_message", 1)[0];
    let call = only(&spans, "notifier", "slack.api.post_message");
    assert_eq!(entry["id"].as_str().unwrap().replace('-', "")[16..], call.id);
    assert_eq!(entry["trace_id"], TRACE);
    assert_eq!(
        (
            &*call.attributes["http.request.method"],
            &*call.attributes["server.address"]
        ),
        ("POST", "127.0.0.1")
    );

    each_invocation_exports_once(&traced, &mut functions);
}

/// The chain from function to function: the work of each, with the name of its service.
fn chain(spans: &[Span]) -> [(&'static str, &Span); 3] {
    let request = only(spans, "webhook", "POST /webhook");
    let delivery = only(spans, "processor", "delivery");
    let effect = only(spans, "notifier", "effect");
    for (span, kind, parent) in [
        (request, 2, PARENT),
        (delivery, 5, request.id.as_str()),
        (effect, 5, delivery.id.as_str()),
    ] {
        assert_eq!(
            (span.kind, span.parent.as_deref(), span.failed),
            (kind, Some(parent), false),
            "{span:#?}"
        );
    }
    assert_eq!(request.attributes["http.response.status_code"], "202");
    assert_eq!(delivery.attributes["merge_request"], "main/77!1");
    assert_eq!(effect.attributes["destination"], "slack:C0SECLEAD");
    [("webhook", request), ("processor", delivery), ("notifier", effect)]
}

/// Every call has the work that made it as parent, and every span names its merge request.
fn calls_belong_to(work: &[(&str, &Span)], spans: &[Span], correlation_id: &str) {
    for span in spans {
        assert_eq!(span.attributes["correlation_id"], correlation_id, "{span:#?}");
        if span.kind == 3 || span.kind == 4 {
            let (_, around) = work
                .iter()
                .find(|(service, _)| span.service == format!("countersign-{service}"))
                .unwrap();
            assert_eq!(span.parent.as_ref(), Some(&around.id), "{span:#?}");
        }
    }
    let sent = only(spans, "processor", "sqs.api.send_message");
    assert_eq!(
        (sent.kind, sent.attributes["messaging.destination.name"].as_str()),
        (4, "effects.fifo")
    );
}

/// One audited export for each invocation; no secret and no address in the exported or printed data.
fn each_invocation_exports_once(traced: &Traced, functions: &mut [super::Function]) {
    let exports = traced.collector.requests();
    assert_eq!(exports.len(), functions.len());
    for request in &exports {
        assert_eq!(request.headers["api-key"], KEY);
        assert!(!request.headers.contains_key("traceparent"));
        let body = request.body.to_string();
        for part in ["/api/", "per_page", "glpat-test", "xoxb-first", KEY] {
            assert!(!body.contains(part), "{part}");
        }
    }
    for function in functions {
        let audited = function.entries("otlp.api.export_traces", 1);
        assert_eq!((audited.len(), &audited[0]["outcome"]), (1, &json!("success")));
        function.kill();
        assert_eq!(function.lines(0, |line| line.to_string().contains(KEY)).len(), 0);
        assert_eq!(function.lines(0, |line| line.get("spans_dropped").is_some()).len(), 0);
    }
}

#[tokio::test]
async fn disabled_tracing_passes_the_trace_on_unchanged() {
    let traced = Traced::with(&[("OTEL_SDK_DISABLED", "true")]).await;
    let (mut functions, _) = traced.deliver(&sampled()).await;
    assert_eq!(traced.collector.requests(), []);
    let requests = traced.outside();
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(request.headers["traceparent"], sampled());
    }
    for message in traced.env.aws().messages() {
        assert!(message.body.contains(&sampled()), "{}", message.body);
    }
    for function in &mut functions {
        function.kill();
        assert_eq!(function.entries("otlp.api.export_traces", 0).len(), 0);
    }
}

#[tokio::test]
async fn unsampled_trace_exports_no_spans_and_stays_unsampled() {
    let traced = Traced::new().await;
    let (_functions, _) = traced.deliver(&format!("00-{TRACE}-{PARENT}-00")).await;
    let spans = traced.collector.spans();
    assert_eq!(spans.iter().filter(|span| span.trace_id == TRACE).count(), 0);
    for request in traced.outside() {
        let carried = &request.headers["traceparent"];
        assert!(
            carried.starts_with(&format!("00-{TRACE}-")) && carried.ends_with("-00"),
            "{carried}"
        );
    }
    // The starts belong to no trace of a delivery, so they are still kept.
    assert!(!named(&spans, "notifier", "secretsmanager.api.get_secret_value").is_empty());
}
