//! The fields of the embedded metric format.

use std::time::Duration;

use model::FixedClock;

use super::*;

fn written(work: impl FnOnce(&Metrics)) -> Vec<Value> {
    let clock = FixedClock("2026-01-31T18:29:18.123Z".parse().unwrap());
    let (metrics, lines) = Metrics::memory("webhook", Arc::new(clock));
    work(&metrics);
    let lines = lines.lock().unwrap();
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn count_is_one_embedded_metric_line() {
    assert_eq!(
        written(|metrics| metrics.count("deliveries", 3)),
        [json!({
            "_aws": {
                "Timestamp": 1_769_884_158_123_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "Countersign",
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": "deliveries", "Unit": "Count"}],
                }],
            },
            "service": "webhook",
            "deliveries": 3,
        })]
    );
}

#[test]
fn a_further_dimension_is_declared_and_given() {
    let lines = written(|metrics| metrics.count_by("verdicts", "outcome", "exception", 1));
    assert_eq!(
        lines[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
        json!([["service", "outcome"]])
    );
    assert_eq!(lines[0]["outcome"], "exception");
    assert_eq!(lines[0]["verdicts"], 1);
}

#[test]
fn several_dimensions_make_one_combination() {
    let dimensions = [("action", "webhook.auth.verify"), ("outcome", "success")];
    let lines = written(|metrics| metrics.count_by_all("audit_log_entries_total", &dimensions, 12));
    assert_eq!(
        lines[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
        json!([["service", "action", "outcome"]])
    );
    assert_eq!(lines[0]["action"], "webhook.auth.verify");
    assert_eq!(lines[0]["outcome"], "success");
    assert_eq!(lines[0]["audit_log_entries_total"], 12);
}

#[test]
fn an_age_is_in_seconds() {
    let lines = written(|metrics| metrics.seconds_by("audit_destination_oldest_seconds", "destination", "http", 90));
    assert_eq!(
        lines[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"],
        json!([{"Name": "audit_destination_oldest_seconds", "Unit": "Seconds"}])
    );
    assert_eq!(lines[0]["destination"], "http");
    assert_eq!(lines[0]["audit_destination_oldest_seconds"], 90);
}

#[test]
fn durations_are_milliseconds() {
    let lines = written(|metrics| metrics.milliseconds("evaluation_time", Duration::from_micros(2500)));
    assert_eq!(
        lines[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"],
        json!([{"Name": "evaluation_time", "Unit": "Milliseconds"}])
    );
    assert_eq!(lines[0]["evaluation_time"], 2.5);
}

#[test]
fn every_declared_dimension_and_metric_has_its_value() {
    let lines = written(|metrics| {
        metrics.count("a", 0);
        metrics.count_by("b", "c", "two\nlines", u64::MAX);
        metrics.milliseconds("d", Duration::MAX);
    });
    assert_eq!(lines.len(), 3);
    for line in lines {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        for name in directive["Dimensions"][0].as_array().unwrap() {
            assert!(line[name.as_str().unwrap()].is_string(), "{line}");
        }
        assert!(
            line[directive["Metrics"][0]["Name"].as_str().unwrap()].is_number(),
            "{line}"
        );
    }
}
