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
mod tests;
