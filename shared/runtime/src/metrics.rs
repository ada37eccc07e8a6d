//! Metrics as log lines in `CloudWatch`'s embedded metric format: without calls, agent or waiting.
//!
//! Format:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::Clock;
use serde_json::{Map, Value, json};

/// The default namespace of metrics. Several stacks need different ones, or their figures add up.
pub const NAMESPACE: &str = "Countersign";

/// Lines kept in memory, for tests.
pub type MetricMemory = Arc<Mutex<Vec<String>>>;

enum Sink {
    Stdout,
    Memory(MetricMemory),
}

struct Shared {
    namespace: String,
    service: &'static str,
    clock: Arc<dyn Clock>,
    sink: Sink,
}

/// Writes the metrics of one function. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Shared>);

impl Metrics {
    /// Metrics of `service` in `namespace`, on standard output.
    #[must_use]
    pub fn stdout(namespace: &str, service: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared {
            namespace: namespace.to_owned(),
            service,
            clock,
            sink: Sink::Stdout,
        }))
    }

    /// Metrics that keep their lines in memory, and these lines.
    #[must_use]
    pub fn memory(service: &'static str, clock: Arc<dyn Clock>) -> (Self, MetricMemory) {
        let lines = MetricMemory::default();
        (
            Self(Arc::new(Shared {
                namespace: NAMESPACE.to_owned(),
                service,
                clock,
                sink: Sink::Memory(Arc::clone(&lines)),
            })),
            lines,
        )
    }

    /// Adds `count` to `name`, with the single dimension `service`. Zero is written too: it ends an alarm.
    pub fn count(&self, name: &'static str, count: u64) {
        self.put(name, "Count", count.into(), &[]);
    }

    /// The same with one more dimension. Its values must be few: each combination is a separate metric, and billed.
    pub fn count_by(&self, name: &'static str, dimension: &'static str, value: &str, count: u64) {
        self.count_by_all(name, &[(dimension, value)], count);
    }

    /// The same with several dimensions.
    pub fn count_by_all(&self, name: &'static str, dimensions: &[(&'static str, &str)], count: u64) {
        self.put(name, "Count", count.into(), dimensions);
    }

    /// An age in seconds, with one more dimension.
    pub fn seconds_by(&self, name: &'static str, dimension: &'static str, value: &str, seconds: u64) {
        self.put(name, "Seconds", seconds.into(), &[(dimension, value)]);
    }

    /// A duration in milliseconds (microseconds are kept as decimals).
    pub fn milliseconds(&self, name: &'static str, took: Duration) {
        self.put(name, "Milliseconds", (took.as_secs_f64() * 1000.0).into(), &[]);
    }

    fn put(&self, name: &'static str, unit: &'static str, value: Value, further: &[(&'static str, &str)]) {
        let shared = &*self.0;
        let mut dimensions = vec!["service"];
        dimensions.extend(further.iter().map(|(name, _)| name));
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": shared.clock.now().as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": shared.namespace,
                    "Dimensions": [dimensions],
                    "Metrics": [{"Name": name, "Unit": unit}],
                }],
            }),
        );
        line.insert("service".to_owned(), shared.service.into());
        line.extend(
            further
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).into())),
        );
        line.insert(name.to_owned(), value);
        shared.sink.put(Value::Object(line).to_string());
    }
}

impl Sink {
    fn put(&self, mut line: String) {
        match self {
            Self::Stdout => {
                line.push('\n');
                // One write under standard output's lock, as for the audit log: lines never mix.
                let mut stdout = std::io::stdout().lock();
                // Standard output fails only with the platform; a lost metric does not matter then.
                let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
            }
            Self::Memory(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).push(line),
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics")
            .field("service", &self.0.service)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
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
        let lines =
            written(|metrics| metrics.seconds_by("audit_destination_oldest_seconds", "destination", "http", 90));
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
}
