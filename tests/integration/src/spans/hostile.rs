//! Hostile values in `traceparent`.

use model::Envelope;
use serde_json::json;

use super::{PARENT, TRACE, Traced, delivery_event, sampled};

#[tokio::test]
async fn hostile_traceparent_only_begins_a_new_trace() {
    let traced = Traced::new().await;
    let mr = traced.merge();
    let webhook = traced.start("webhook").await;
    let long = format!("{}-{}", sampled(), "x".repeat(10_000));
    let hostile = [
        "",
        "x",
        "ü0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nx-injected: 1",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01,00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        long.as_str(),
    ];
    for (number, header) in (1..).zip(hostile) {
        let (answer, message) = traced.receive(&webhook, &mr, Some(header)).await;
        let envelope: Envelope = serde_json::from_str(&message.body).unwrap();
        assert_eq!(json!(envelope.correlation_id), answer["correlation_id"]);
        let spans = traced.collector.spans();
        let requests: Vec<_> = spans.iter().filter(|span| span.name == "POST /webhook").collect();
        assert_eq!(requests.len(), number, "{header:?}");
        let span = requests[number - 1];
        assert!(span.parent.is_none() && span.trace_id != TRACE, "{header:?}: {span:#?}");
        assert_eq!(
            envelope.traceparent,
            Some(format!("00-{}-{}-01", span.trace_id, span.id))
        );
    }
}

#[tokio::test]
async fn rejected_request_has_a_span_without_a_failure() {
    let traced = Traced::new().await;
    let webhook = traced.start("webhook").await;
    let mut event = delivery_event(&traced.merge(), Some(&sampled()));
    event["headers"]["x-gitlab-token"] = json!("guessed");
    assert_eq!(webhook.invoke(event).await["statusCode"], 401);
    assert_eq!(webhook.invoke(json!("nonsense")).await["statusCode"], 401);
    let spans = traced.collector.spans();
    let requests: Vec<_> = spans.iter().filter(|span| span.name == "POST /webhook").collect();
    assert_eq!(requests.len(), 2);
    for span in &requests {
        assert_eq!(
            (span.failed, &*span.attributes["http.response.status_code"]),
            (false, "401")
        );
    }
    assert_eq!(
        (requests[0].trace_id.as_str(), requests[0].parent.as_deref()),
        (TRACE, Some(PARENT))
    );
    assert_eq!(traced.env.aws().messages(), []);
}
