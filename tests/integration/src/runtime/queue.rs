//! `SendMessage`: success, every kind of failure, giving up, and an untrusted certificate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::FailureClass;
use doubles::{Fault, Stub};
use runtime::aws::{Clients, FifoMessage};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use super::{Parts, QUEUE, aws, refusal};

#[tokio::test]
async fn message_has_its_group_deduplication_id_and_entry() {
    let (double, parts) = aws().await;
    parts.send().await.unwrap();
    let messages = double.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].queue_url, QUEUE);
    assert_eq!(messages[0].group_id.as_deref(), Some("main/7/12"));
    assert_eq!(messages[0].deduplication_id.as_deref(), Some("delivery-1"));
    assert_eq!(messages[0].body, r#"{"number":1}"#);
    let entry = parts.entry();
    assert_eq!(entry["action"], "sqs.api.send_message");
    assert_eq!(
        entry["target"],
        json!({"resource_type": "queue", "id": "deliveries.fifo"})
    );
    assert_eq!(entry["outcome"], "success");
    assert_eq!(entry["correlation_id"], parts.context.correlation_id.to_string());
    assert_eq!(
        entry["details"],
        json!({"message_id": messages[0].message_id, "attempts": 1})
    );
    assert!(entry["duration_ms"].as_f64().unwrap() > 0.0);
}

/// The ways a send fails: name, stub, class, whether a retry can help, and the number of attempts.
fn failing_sends() -> [(&'static str, Stub, FailureClass, bool, usize); 11] {
    use FailureClass::{AuthFailure, InvalidResponse, NetworkError, NotFound, RateLimit, ServerError};
    let html = |status| Stub::answering("POST", "/", status, "<html>oops</html>");
    let failing = |fault| Stub::failing("POST", "/", fault);
    [
        (
            "throttled",
            refusal(400, "com.amazonaws.sqs#RequestThrottled"),
            RateLimit,
            true,
            3,
        ),
        ("a proxy's 503", html(503), ServerError, true, 3),
        (
            "an internal error",
            refusal(500, "InternalFailure"),
            ServerError,
            true,
            3,
        ),
        (
            "access denied",
            refusal(403, "AccessDeniedException"),
            AuthFailure,
            false,
            1,
        ),
        (
            "credentials that ran out",
            refusal(403, "ExpiredToken"),
            AuthFailure,
            false,
            1,
        ),
        (
            "no such queue",
            refusal(400, "com.amazonaws.sqs#QueueDoesNotExist"),
            NotFound,
            false,
            1,
        ),
        (
            "a bad parameter",
            refusal(400, "InvalidParameterValue"),
            InvalidResponse,
            false,
            1,
        ),
        ("a page of a proxy", html(200), InvalidResponse, true, 1),
        (
            "a success without an id",
            Stub::answering("POST", "/", 200, json!({})),
            InvalidResponse,
            true,
            1,
        ),
        ("a reset connection", failing(Fault::Reset), NetworkError, true, 3),
        ("half an answer", failing(Fault::Half), NetworkError, true, 3),
    ]
}

#[tokio::test]
async fn each_send_failure_has_its_class_and_entry() {
    for (name, stub, class, retryable, attempts) in failing_sends() {
        let (double, parts) = aws().await;
        double.stub(stub).unwrap();
        let error = parts.send().await.unwrap_err();
        assert_eq!(error.class(), class, "{name}: {error}");
        assert_eq!(error.is_retryable(), retryable, "{name}: {error}");
        let entry = parts.entry();
        assert_eq!(entry["outcome"], "failure", "{name}");
        assert_eq!(entry["error"], class.as_str(), "{name}");
        assert_eq!(entry["details"]["attempts"], attempts, "{name}: {entry}");
        assert_eq!(double.requests().len(), attempts, "{name}: every attempt is counted");
    }
}

#[tokio::test]
async fn missing_server_is_a_network_error() {
    // Bound and dropped: nothing listens there any more.
    let address = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let parts = Parts::calling(&format!("http://{address}"));
    assert_eq!(parts.send().await.unwrap_err().class(), FailureClass::NetworkError);
    assert_eq!(parts.entry()["error"], "network_error");
}

#[tokio::test]
async fn temporary_failure_is_retried_to_one_message() {
    let table = [
        ("throttled", refusal(400, "com.amazonaws.sqs#RequestThrottled")),
        ("unavailable", refusal(503, "ServiceUnavailable")),
        ("reset before", Stub::failing("POST", "/", Fault::Reset)),
        (
            "reset after it was taken",
            Stub::failing("POST", "/", Fault::PostThenReset),
        ),
    ];
    for (name, stub) in table {
        let (double, parts) = aws().await;
        double.stub(stub.times(1)).unwrap();
        parts.send().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(double.messages().len(), 1, "{name}");
        let entry = parts.entry();
        assert_eq!(entry["outcome"], "success", "{name}");
        assert_eq!(entry["details"]["attempts"], 2, "{name}");
    }
}

#[tokio::test]
async fn hanging_queue_is_abandoned_after_three_seconds() {
    let (double, parts) = aws().await;
    double.stub(Stub::failing("POST", "/", Fault::Hang)).unwrap();
    let began = Instant::now();
    let error = parts.send().await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Timeout);
    assert!(error.is_retryable());
    assert!(began.elapsed() < Duration::from_millis(3500), "{:?}", began.elapsed());
    let entry = parts.entry();
    assert_eq!(entry["error"], "timeout");
    assert_eq!(entry["details"], json!({"attempts": 2}));
}

#[tokio::test]
async fn a_sender_may_give_the_queue_more_time() {
    let double = doubles::aws::start().await;
    double.stub(Stub::failing("POST", "/", Fault::Hang)).unwrap();
    let bound = Duration::from_secs(6);
    let parts = Parts::built(&double.url(), |settings, audit| {
        Clients::sending_within(settings, audit, bound)
    });
    let began = Instant::now();
    assert_eq!(parts.send().await.unwrap_err().class(), FailureClass::Timeout);
    assert!(began.elapsed() < Duration::from_millis(6500), "{:?}", began.elapsed());
    assert_eq!(parts.entry()["details"], json!({"attempts": 3}));
}

#[tokio::test]
async fn dropped_call_leaves_its_entry() {
    let (double, parts) = aws().await;
    double.stub(Stub::failing("POST", "/", Fault::Hang)).unwrap();
    {
        let arrived = double.wait_for(Duration::from_secs(5), |requests| !requests.is_empty());
        let either = futures::future::select(Box::pin(parts.send()), Box::pin(arrived)).await;
        let futures::future::Either::Right((Ok(_), under_way)) = either else {
            panic!("the request did not arrive")
        };
        assert_eq!(
            (parts.audit.intents().len(), parts.audit.entries().len()),
            (1, 0),
            "announced, and nothing is known yet"
        );
        drop(under_way);
    }
    let entry = parts.entry();
    assert_eq!(entry["outcome"], "failure");
    assert_eq!(entry["error"], "timeout");
    assert_eq!(entry["details"], json!({"cancelled": true, "attempts": 1}));
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let parts = Parts::calling(&format!("https://localhost:{}", listener.local_addr().unwrap().port()));
    let server = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // With TLS 1.3 the client's rejection can arrive with the first read instead of in the handshake.
            if let Ok(mut stream) = acceptor.accept(stream).await {
                assert!(
                    stream.read(&mut [0; 1]).await.is_err(),
                    "the client sent a request to an unknown authority"
                );
            }
        }
    };
    let sending = std::pin::pin!(parts.send());
    let ended = futures::future::select(sending, Box::pin(server)).await;
    // The server never ends, so this is the only case.
    let futures::future::Either::Left((sent, _)) = ended;
    assert_eq!(sent.unwrap_err().class(), FailureClass::NetworkError);
    assert_eq!(parts.entry()["error"], "network_error");
}

fn message(number: usize) -> FifoMessage {
    FifoMessage {
        group: format!("group-{number}"),
        deduplication_id: format!("message-{number}"),
        body: format!("{{\"number\":{number}}}"),
    }
}

#[tokio::test]
async fn twelve_messages_are_two_calls_and_two_entries() {
    let (double, parts) = aws().await;
    let sent = parts
        .queue
        .send_batch(&parts.context, (0..12).map(message).collect())
        .await;
    assert_eq!(sent, vec![Ok(()); 12]);
    let arrived = double.messages();
    for (number, arrived) in arrived.iter().enumerate() {
        assert_eq!(arrived.body, message(number).body);
        assert_eq!(arrived.group_id, Some(message(number).group));
        assert_eq!(arrived.deduplication_id, Some(message(number).deduplication_id));
    }
    assert_eq!((arrived.len(), double.requests().len()), (12, 2));
    let entries = parts.audit.entries();
    let counts: Vec<_> = entries
        .iter()
        .map(|entry| entry["details"]["messages"].clone())
        .collect();
    assert_eq!(counts, [json!(10), json!(2)]);
    assert!(entries.iter().all(|entry| entry["action"] == "sqs.api.send_message"));
}

#[tokio::test]
async fn one_rejected_message_fails_alone() {
    let (double, parts) = aws().await;
    let mut messages: Vec<_> = (0..3).map(message).collect();
    messages[1].body = String::new();
    let sent = parts.queue.send_batch(&parts.context, messages).await;
    assert_eq!(sent.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(double.messages().len(), 2);
    assert_eq!(parts.entry()["outcome"], "failure");
}

#[tokio::test]
async fn an_unanswered_batch_confirms_no_message() {
    let (double, parts) = aws().await;
    double.stub(refusal(400, "com.amazonaws.sqs#RequestThrottled")).unwrap();
    let sent = parts
        .queue
        .send_batch(&parts.context, (0..2).map(message).collect())
        .await;
    assert!(sent.iter().all(|sent| {
        sent.as_ref()
            .is_err_and(|error| error.class() == FailureClass::RateLimit)
    }));
    parts.entry();
}
