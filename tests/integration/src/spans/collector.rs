//! A collector that is down, slow or broken: the delivery's answer is the same, and not much later.

use std::time::{Duration, Instant};

use doubles::{Fault, Stub};
use serde_json::json;

use super::{Traced, sampled};

/// The export timeout here.
const BOUND: &str = "300";
/// Limit of an invocation whose export is aborted at that timeout. The client's own timeout is ten seconds.
const SOON: Duration = Duration::from_secs(3);

#[tokio::test]
async fn failing_collector_delays_only_one_answer() {
    let faults = [
        Stub::failing("POST", "/v1/traces", Fault::Hang),
        Stub::failing("POST", "/v1/traces", Fault::Reset),
        Stub::failing("POST", "/v1/traces", Fault::Half),
        Stub::answering("POST", "/v1/traces", 503, "later"),
        Stub::answering("POST", "/v1/traces", 401, "who are you?"),
        Stub {
            delay_ms: 20_000,
            ..Stub::answering("POST", "/v1/traces", 200, json!({}))
        },
    ];
    for fault in faults {
        let shown = format!("{fault:?}");
        let traced = Traced::with(&[("OTEL_EXPORTER_OTLP_TIMEOUT", BOUND)]).await;
        traced.collector.stub(fault).unwrap();
        let mr = traced.merge();
        let mut webhook = traced.start("webhook").await;
        for sent in 1..=3 {
            let begun = Instant::now();
            let (answer, _) = traced.receive(&webhook, &mr, Some(&sampled())).await;
            assert!(begun.elapsed() < SOON, "{shown}: {:?}", begun.elapsed());
            assert_eq!(answer["status"], "accepted", "{shown}");
            assert_eq!(
                traced.collector.requests().len(),
                1,
                "{shown}: asked again after {sent}"
            );
        }
        let audited = webhook.entries("otlp.api.export_traces", 1);
        assert_eq!(
            (audited.len(), &audited[0]["outcome"]),
            (1, &json!("failure")),
            "{shown}"
        );
        webhook.kill();
        // Every span is accounted for: at least request and message of each delivery, and the reads at the start.
        let dropped = webhook.lines(3, |line| line.get("spans_dropped").is_some());
        assert!(dropped[0]["spans_dropped"].as_u64() > Some(2), "{shown}: {dropped:?}");
        let rest: Vec<_> = dropped[1..].iter().map(|line| line["spans_dropped"].as_u64()).collect();
        assert_eq!(rest, [Some(2), Some(2)], "{shown}");
        let warnings = webhook.lines(3, |line| line["level"] == "WARN" && line.get("dropped").is_some());
        assert_eq!(warnings.len(), 3, "{shown}");
    }
}

#[tokio::test]
async fn delivery_works_without_a_collector() {
    // A local port without a listener.
    let traced = Traced::with(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")]).await;
    let (functions, _) = traced.deliver(&sampled()).await;
    for function in functions {
        let audited = function.entries("otlp.api.export_traces", 1);
        assert_eq!(audited[0]["error"], "network_error");
        assert_eq!(audited[0]["target"]["id"], "127.0.0.1:9");
    }
}

#[tokio::test]
async fn invalid_tracing_variables_are_named_without_values() {
    let wrong = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector:4317"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
    ];
    for name in ["webhook", "processor", "notifier", "maintenance"] {
        let mut function = crate::function::Function::start(name, &wrong).await;
        assert_eq!(function.ended().code(), Some(1), "{name}");
        let line = &function.lines(1, |line| line["level"] == "ERROR")[0];
        let error = line["error"].as_str().unwrap();
        for (variable, _) in wrong {
            assert!(error.contains(variable), "{name}: {error}");
        }
        assert!(!error.contains("hunter2"), "{name}: {error}");
    }
}
