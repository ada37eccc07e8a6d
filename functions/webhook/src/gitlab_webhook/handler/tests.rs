//! The secret's rotation, its read limits, and an unavailable queue.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use runtime::aws::AwsError;
use runtime::secrets::{SecretSource, Stage};
use serde_json::json;

use super::*;
use crate::fixtures::{Bench, KEY, NEXT_KEY, NOW, event, merged, secret, signed, signed_at, with_token};

fn forged(at: i64) -> serde_json::Value {
    let body = merged().to_string();
    event(&signed_at(at, NEXT_KEY, body.as_bytes()), &body)
}

#[tokio::test]
async fn authentic_delivery_is_answered_503_without_the_queue() {
    let bench = Bench::with_secret(secret(&[KEY]));
    let body = merged().to_string();
    let (status, answer) = bench.serve(&event(&signed(body.as_bytes()), &body)).await;
    assert_eq!(
        (status, &answer["status"], &answer["reason"]),
        (503, &json!("unavailable"), &json!("queue_unavailable"))
    );
    let lines = bench.verifications();
    assert_eq!((lines.len(), &lines[0]["details"]["result"]), (1, &json!("valid")));
    assert_eq!(lines[0]["correlation_id"], answer["correlation_id"]);
}

#[tokio::test]
async fn a_rotated_token_is_accepted_without_a_restart() {
    let current = Arc::new(Mutex::new(secret(&[KEY])));
    let shared = Arc::clone(&current);
    let bench = Bench::new(move || Some(shared.lock().unwrap().clone()));
    assert_eq!(bench.serve(&forged(NOW)).await.0, 401);

    *current.lock().unwrap() = secret(&[KEY, NEXT_KEY]);
    bench.clock.0.fetch_add(29, Ordering::Relaxed);
    assert_eq!(bench.serve(&forged(NOW)).await.0, 401);
    assert_eq!(bench.secret_reads.load(Ordering::Relaxed), 1);

    bench.clock.0.fetch_add(2, Ordering::Relaxed);
    bench.serve(&forged(NOW)).await;
    assert_eq!(bench.secret_reads.load(Ordering::Relaxed), 2);
    let results: Vec<_> = bench
        .verifications()
        .iter()
        .map(|line| line["details"]["result"].clone())
        .collect();
    assert_eq!(results, ["invalid", "invalid", "valid"]);
}

#[tokio::test]
async fn forged_requests_cannot_drive_look_ups() {
    let bench = Bench::with_secret(secret(&[KEY]));
    for second in 0..60 {
        bench.clock.0.store(NOW + second, Ordering::Relaxed);
        assert_eq!(bench.serve(&forged(NOW + second)).await.0, 401);
    }
    assert_eq!(bench.secret_reads.load(Ordering::Relaxed), 2);
    assert_eq!(bench.verifications().len(), 60);
}

#[tokio::test]
async fn unprovable_request_is_rejected_without_reading_the_secret() {
    let bench = Bench::with_secret(secret(&[KEY]));
    let mut unusable = signed(b"{}");
    unusable[4].1 = "v1,YQ==".to_owned();
    for headers in [
        vec![],
        unusable,
        with_token("a,b").split_off(2),
        vec![("content-type", "text/html".to_owned())],
    ] {
        let (status, _) = bench.serve(&event(&headers, "{}")).await;
        assert!(status == 401 || status == 415, "{status}");
    }
    assert_eq!(bench.secret_reads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn missing_secret_is_answered_as_unavailable() {
    let empty = r#"{"hooks": []}"#.to_owned();
    for bench in [
        Bench::new(|| None),
        Bench::with_secret("broken".to_owned()),
        Bench::with_secret(empty),
    ] {
        let body = merged().to_string();
        let (status, answer) = bench.serve(&event(&signed(body.as_bytes()), &body)).await;
        assert_eq!(
            (status, &answer["status"], &answer["reason"]),
            (503, &json!("unavailable"), &json!("secret_unavailable"))
        );
        let lines = bench.verifications();
        assert_eq!((lines.len(), &lines[0]["details"]["reason"]), (1, &json!("no_secret")));
    }
}

#[tokio::test]
async fn every_answer_is_counted() {
    let bench = Bench::with_secret(secret(&[KEY]));
    bench.serve(&forged(NOW)).await;
    bench.serve(&json!(null)).await;
    let large = "x".repeat(crate::fixtures::TOLERANCE.max_body_bytes + 1);
    bench.serve(&event(&with_token("guessed"), &large)).await;
    let counted = |name: &str, text: &str| {
        let lines = bench.metrics.lock().unwrap();
        let with_name = lines.iter().filter(|line| line.contains(name));
        with_name.filter(|line| line.contains(text)).count()
    };
    assert_eq!(counted("deliveries_received", r#""status":"rejected""#), 3);
    for reason in ["bad_signature", "malformed", "too_large"] {
        assert_eq!(counted("deliveries_rejected", &format!(r#""reason":"{reason}""#)), 1);
    }
}

#[tokio::test]
async fn a_slow_secrets_manager_leaves_time_to_queue() {
    let slow = Arc::new(AtomicBool::new(false));
    let source = Hanging {
        secret: secret(&[KEY]),
        hangs: Arc::clone(&slow),
    };
    let bench = Bench::reading(Arc::new(source));
    let body = merged().to_string();
    bench.serve(&event(&signed(body.as_bytes()), &body)).await;
    slow.store(true, Ordering::Relaxed);
    bench.clock.0.fetch_add(301, Ordering::Relaxed);
    let began = std::time::Instant::now();
    bench
        .serve(&event(&signed_at(NOW + 301, KEY, body.as_bytes()), &body))
        .await;
    assert!(
        began.elapsed() < crate::sender_secret::SECRET_WITHIN * 2,
        "{:?}",
        began.elapsed()
    );
    let lines = bench.verifications();
    assert_eq!(lines[1]["details"]["result"], "valid", "by the secret read before");
}

/// Secrets Manager that answers, or hangs.
struct Hanging {
    secret: String,
    hangs: Arc<AtomicBool>,
}

impl SecretSource for Hanging {
    fn get<'a>(
        &'a self,
        _: &'a Context,
        _: &'a str,
        stage: Stage,
    ) -> futures::future::BoxFuture<'a, Result<Option<secrecy::SecretString>, AwsError>> {
        if self.hangs.load(Ordering::Relaxed) {
            return Box::pin(std::future::pending());
        }
        let secret = (stage == Stage::Current).then(|| self.secret.clone().into());
        Box::pin(std::future::ready(Ok(secret)))
    }
}

#[tokio::test]
async fn another_address_of_an_instance_is_only_counted() {
    let bench = Bench::with_secret(secret(&[KEY]));
    let body = merged().to_string();
    for address in ["https://git.example", "https://other.example"] {
        let mut headers = signed(body.as_bytes());
        headers.push(("x-gitlab-instance", address.to_owned()));
        bench.serve(&event(&headers, &body)).await;
    }
    let lines = bench.verifications();
    assert!(lines.iter().all(|line| line["details"]["result"] == "valid"));
    let metrics = bench.metrics.lock().unwrap();
    let mismatches = metrics
        .iter()
        .filter(|line| line.contains("instance_header_mismatches"));
    assert_eq!(mismatches.count(), 1);
}
