//! The secret's rotation, its limits on look-ups, and the queue being down.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::*;
use crate::fixtures::{Bench, KEY, NEXT_KEY, NOW, event, merged, secret, signed, signed_at, with_token};

fn forged(at: i64) -> serde_json::Value {
    let body = merged().to_string();
    event(&signed_at(at, NEXT_KEY, body.as_bytes()), &body)
}

#[tokio::test]
async fn an_authentic_delivery_that_the_queue_does_not_take_is_answered_503() {
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
    assert_eq!(bench.looks.load(Ordering::Relaxed), 1);

    bench.clock.0.fetch_add(2, Ordering::Relaxed);
    bench.serve(&forged(NOW)).await;
    assert_eq!(bench.looks.load(Ordering::Relaxed), 2);
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
    assert_eq!(bench.looks.load(Ordering::Relaxed), 2);
    assert_eq!(bench.verifications().len(), 60);
}

#[tokio::test]
async fn what_no_token_could_prove_is_refused_without_a_look_at_the_secret() {
    let bench = Bench::with_secret(secret(&[KEY]));
    for headers in [
        vec![],
        with_token("a,b").split_off(2),
        vec![("content-type", "text/html".to_owned())],
    ] {
        let (status, _) = bench.serve(&event(&headers, "{}")).await;
        assert!(status == 401 || status == 415, "{status}");
    }
    assert_eq!(bench.looks.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn without_a_secret_nothing_is_accepted_and_the_answer_says_unavailable() {
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
    let lines = bench.metrics.lock().unwrap();
    assert_eq!(lines.len(), 2);
    assert!(
        lines.iter().all(|line| line.contains(r#""status":"rejected""#)),
        "{lines:?}"
    );
}
