//! Which spans exist, how they are linked, and that tracing that is off creates no spans.

use audit::{ActorType, Target, Writer};
use jiff::Timestamp;
use model::FixedClock;
use serde_json::{Value, json};

use super::*;
use crate::MOST_KEPT;
use crate::{Resource, encode};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock(Timestamp::from_second(1_772_366_400).unwrap()))
}

fn tracer() -> Tracer {
    Tracer::on(Sampler::default(), clock())
}

fn context(traceparent: Option<String>) -> Context {
    Context::new(ActorType::WebhookEvent, Uuid::from_u128(7)).with_traceparent(traceparent)
}

fn received(flags: &str) -> Context {
    context(Some(format!("00-{TRACE}-{PARENT}-{flags}")))
}

/// The spans as a collector reads them, in the order in which they ended.
fn exported(tracer: &Tracer) -> Vec<Value> {
    let body = encode(&Resource::default(), &tracer.take().spans);
    let request: Value = serde_json::from_slice(&body).unwrap();
    request["resourceSpans"][0]["scopeSpans"][0]["spans"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn disabled_tracer_keeps_the_callers_context() {
    assert_eq!(size_of::<Span>(), size_of::<usize>());
    let context = received("01");
    for tracer in [Tracer::off(), Tracer::default()] {
        let mut span = tracer.begin(SpanKind::Consumer, "delivery", &context);
        span.attribute("messaging.system", "aws_sqs");
        assert!(std::ptr::eq(span.context(&context), &raw const context));
        span.end(None);
        assert!(tracer.take().spans.is_empty());
    }
    // The same with tracing on: there the context differs, and the span is kept.
    let tracer = tracer();
    let span = tracer.begin(SpanKind::Consumer, "delivery", &context);
    assert!(!std::ptr::eq(span.context(&context), &raw const context));
    span.end(None);
    assert_eq!(tracer.take().spans.len(), 1);
}

#[test]
fn span_is_parent_of_work_inside_it() {
    let tracer = tracer();
    let outer = received("01");
    let mut span = tracer.begin(SpanKind::Consumer, "delivery", &outer);
    span.attribute("messaging.batch.message_count", 3_u32);
    let inner = span.context(&outer).clone();
    let (writer, _) = Writer::memory("test", clock());
    let announced = writer.announce_call(Action::SlackPostMessage, &inner, &Target::default());
    let call = tracer.begin_call(SpanKind::Client, announced, Action::SlackPostMessage, &inner);
    let carried = call.context(&inner).traceparent.clone().unwrap();
    call.end(Some("rate_limit"));
    span.end(None);

    // What a collector receives.
    let [call, delivery] = &exported(&tracer)[..] else {
        panic!("expected two spans")
    };
    let entry = announced.id().simple().to_string();
    assert_eq!(carried, format!("00-{TRACE}-{}-01", &entry[16..]));
    let id = |span: &Value| span["spanId"].as_str().unwrap().to_owned();
    assert_eq!(
        (&delivery["traceId"], &delivery["parentSpanId"]),
        (&json!(TRACE), &json!(PARENT))
    );
    assert_eq!(
        (&call["traceId"], &call["parentSpanId"]),
        (&json!(TRACE), &json!(id(delivery)))
    );
    assert_eq!(id(call), entry[16..]);
    assert_eq!(inner.traceparent, Some(format!("00-{TRACE}-{}-01", id(delivery))));
    assert_eq!((&delivery["kind"], &call["kind"]), (&json!(5), &json!(3)));
    assert_eq!((&delivery["flags"], &call["flags"]), (&json!(0x301), &json!(0x101)));
    assert_eq!(
        (&delivery["name"], &call["name"]),
        (&json!("delivery"), &json!("slack.api.post_message"))
    );
    assert_eq!(
        (&delivery["status"], &call["status"]),
        (&json!({}), &json!({"code": 2, "message": "rate_limit"}))
    );
    let correlation = json!({"key": "correlation_id", "value": {"stringValue": context(None).correlation_id}});
    for span in [call, delivery] {
        assert!(span["attributes"].as_array().unwrap().contains(&correlation), "{span}");
        let nanos = |name: &str| span[name].as_str().unwrap().parse::<i128>().unwrap();
        assert_eq!(nanos("startTimeUnixNano"), 1_772_366_400_000_000_000);
        assert!(nanos("endTimeUnixNano") > nanos("startTimeUnixNano"), "{span}");
    }
    let count = json!({"key": "messaging.batch.message_count", "value": {"intValue": "3"}});
    assert!(
        delivery["attributes"].as_array().unwrap().contains(&count),
        "{delivery}"
    );
}

#[test]
fn trace_without_parent_uses_the_correlation_id() {
    let tracer = tracer();
    let context = Context::new(ActorType::PollCycle, Uuid::now_v7());
    for span in [
        tracer.begin(SpanKind::Internal, "relay_effects", &context),
        tracer.begin_trace(SpanKind::Internal, "relay_effects", &context),
    ] {
        span.end(None);
    }
    for span in exported(&tracer) {
        assert_eq!(span["traceId"], json!(context.correlation_id.simple().to_string()));
        assert_eq!(span.get("parentSpanId"), None);
    }
}

#[test]
fn unsampled_caller_gets_no_spans_unlike_the_platform() {
    let tracer = tracer();
    let unsampled = received("00");
    let span = tracer.begin(SpanKind::Server, "POST /webhook", &unsampled);
    let carried = span.context(&unsampled).traceparent.clone().unwrap();
    assert!(
        carried.starts_with(&format!("00-{TRACE}-")) && carried.ends_with("-00"),
        "{carried}"
    );
    drop(span);
    assert_eq!(exported(&tracer), Vec::<Value>::new());

    tracer
        .begin_trace(SpanKind::Server, "POST /webhook", &unsampled)
        .end(None);
    let [span] = &exported(&tracer)[..] else {
        panic!("expected one span")
    };
    assert_eq!((&span["traceId"], span.get("parentSpanId")), (&json!(TRACE), None));
}

#[test]
fn a_malformed_trace_is_ignored() {
    let tracer = tracer();
    for hostile in [
        "",
        "x",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-\n-",
    ] {
        let context = context(Some(hostile.to_owned()));
        let span = tracer.begin(SpanKind::Server, "POST /webhook", &context);
        assert!(
            span.context(&context)
                .traceparent
                .as_deref()
                .and_then(Traceparent::parse)
                .is_some()
        );
        span.end(None);
        assert_eq!(exported(&tracer)[0].get("parentSpanId"), None, "{hostile}");
    }
    let nil = Context::new(ActorType::PollCycle, Uuid::nil());
    let span = tracer.begin(SpanKind::Internal, "seal", &nil);
    assert!(
        span.context(&nil)
            .traceparent
            .as_deref()
            .and_then(Traceparent::parse)
            .is_some()
    );
}

#[test]
fn work_that_is_given_up_counts_as_failed() {
    let tracer = tracer();
    drop(tracer.begin(SpanKind::Consumer, "effect", &received("01")));
    assert_eq!(
        exported(&tracer)[0]["status"],
        json!({"code": 2, "message": "cancelled"})
    );
}

#[test]
fn excess_spans_are_counted_and_take_resets() {
    let tracer = tracer();
    for _ in 0..MOST_KEPT + 3 {
        tracer.begin(SpanKind::Internal, "many", &received("01")).end(None);
    }
    let taken = tracer.take();
    assert_eq!((taken.spans.len(), taken.overflowed), (MOST_KEPT, 3));
    let taken = tracer.take();
    assert_eq!((taken.spans.len(), taken.overflowed), (0, 0));
}
