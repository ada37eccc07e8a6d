//! A failing collector costs one time limit, and then nothing for a while.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use audit::ActorType;
use serde_json::Value;
use trace::{Exporting, Sampler, SpanKind};
use uuid::Uuid;

use super::*;
use crate::metrics::MetricMemory;

const NOW: i64 = 1_772_366_400;

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// Returns the configured answer, and records the time limit of each call.
#[derive(Clone)]
struct Collector {
    answer: Arc<Mutex<Result<u64, ExportError>>>,
    given: Arc<Mutex<Vec<Duration>>>,
    spans: Arc<AtomicUsize>,
}

impl Export for Collector {
    fn export<'a>(&'a self, _: &'a Context, body: Vec<u8>, within: Duration) -> Exporting<'a> {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
            .as_array()
            .unwrap()
            .len();
        self.spans.fetch_add(spans, Ordering::Relaxed);
        self.given.lock().unwrap().push(within);
        let answer = self.answer.lock().unwrap().clone();
        Box::pin(async move { answer })
    }
}

struct Bench {
    exporter: Exporter,
    collector: Collector,
    clock: Arc<TestClock>,
    metrics: MetricMemory,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
        let (metrics, lines) = Metrics::memory("test", clock.clone());
        let collector = Collector {
            answer: Arc::new(Mutex::new(Ok(0))),
            given: Arc::default(),
            spans: Arc::default(),
        };
        let exporter = Exporter {
            tracer: Tracer::on(Sampler::default(), clock.clone()),
            collector: Box::new(collector.clone()),
            resource: Resource::default(),
            timeout: Duration::from_millis(500),
            metrics,
            context: Context::new(ActorType::AdminAction, Uuid::now_v7()),
            clock: clock.clone(),
            rests_until: Mutex::default(),
        };
        Self {
            exporter,
            collector,
            clock,
            metrics: lines,
        }
    }

    /// An invocation of two spans with this much time left.
    async fn invocation(&self, left: SignedDuration) {
        let context = Context::new(ActorType::WebhookEvent, Uuid::now_v7());
        for _ in 0..2 {
            self.exporter
                .tracer
                .begin(SpanKind::Consumer, "delivery", &context)
                .end(None);
        }
        let deadline = Deadline::new(self.clock.now() + left, self.clock.clone());
        self.exporter.flush(&deadline).await;
    }

    fn answers(&self, answer: Result<u64, ExportError>) {
        *self.collector.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.collector.given.lock().unwrap().len()
    }

    /// The values of `spans_dropped`, in order.
    fn dropped(&self) -> Vec<u64> {
        let lines = self.metrics.lock().unwrap();
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter_map(|line| line["spans_dropped"].as_u64()).collect()
    }
}

const AMPLE: SignedDuration = SignedDuration::from_secs(20);

fn down(retry_after: Option<Duration>) -> Result<u64, ExportError> {
    Err(ExportError {
        reason: "no connection".to_owned(),
        retry_after,
    })
}

#[tokio::test]
async fn spans_of_an_invocation_form_one_request() {
    let bench = Bench::new();
    bench.invocation(AMPLE).await;
    bench
        .exporter
        .flush(&Deadline::new(bench.clock.now(), bench.clock.clone()))
        .await;
    assert_eq!((bench.asked(), bench.collector.spans.load(Ordering::Relaxed)), (1, 2));
    assert_eq!(bench.dropped(), Vec::<u64>::new());
}

#[tokio::test]
async fn export_pauses_after_failure_and_counts_dropped_spans() {
    let bench = Bench::new();
    bench.answers(down(None));
    bench.invocation(AMPLE).await;
    bench.answers(Ok(0));
    bench.clock.0.fetch_add(59, Ordering::Relaxed);
    bench.invocation(AMPLE).await;
    assert_eq!((bench.asked(), bench.dropped()), (1, vec![2, 2]));
    bench.clock.0.fetch_add(1, Ordering::Relaxed);
    bench.invocation(AMPLE).await;
    bench.invocation(AMPLE).await;
    assert_eq!((bench.asked(), bench.dropped()), (3, vec![2, 2]));
}

#[tokio::test]
async fn collector_may_extend_the_pause_within_limits() {
    for (asked, rest) in [(1, 60), (300, 300), (u64::MAX, 900)] {
        let bench = Bench::new();
        bench.answers(down(Some(Duration::from_secs(asked))));
        bench.invocation(AMPLE).await;
        bench.clock.0.fetch_add(rest - 1, Ordering::Relaxed);
        bench.invocation(AMPLE).await;
        assert_eq!(bench.asked(), 1, "{asked}");
        bench.clock.0.fetch_add(1, Ordering::Relaxed);
        bench.invocation(AMPLE).await;
        assert_eq!(bench.asked(), 2, "{asked}");
    }
}

#[tokio::test]
async fn export_leaves_time_for_the_answer() {
    let bench = Bench::new();
    for (left, given) in [(20_000, Some(500)), (400, Some(300)), (100, None), (0, None)] {
        let before = bench.asked();
        bench.invocation(SignedDuration::from_millis(left)).await;
        let given_now = bench
            .collector
            .given
            .lock()
            .unwrap()
            .get(before)
            .map(Duration::as_millis);
        assert_eq!(given_now, given, "{left}");
    }
    assert_eq!(bench.dropped(), [2, 2]);
}

#[tokio::test]
async fn rejected_spans_are_counted_without_a_pause() {
    let bench = Bench::new();
    for (refused, counted) in [(1, 1), (u64::MAX, 2)] {
        bench.answers(Ok(refused));
        bench.invocation(AMPLE).await;
        assert_eq!(bench.dropped().last(), Some(&counted));
    }
    assert_eq!(bench.asked(), 2);
}
