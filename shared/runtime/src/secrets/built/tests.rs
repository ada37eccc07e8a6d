//! How often rejected credentials reload the secrets, and what happens when nothing can be built.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use audit::{ActorType, Context};
use model::FixedClock;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::*;
use crate::secrets::{Stage, StagedSecret, UnreadableSecret};

/// A secret whose value is the number in `version`.
fn secret(version: &Arc<AtomicU32>) -> SecretCache<u32> {
    let version = Arc::clone(version);
    let source = move |_: Stage| Ok(Some(SecretString::from(version.load(Ordering::Relaxed).to_string())));
    let clock = FixedClock("2026-01-31T12:00:00Z".parse().unwrap());
    SecretCache::new(
        Arc::new(source),
        "s",
        Stage::CURRENT,
        Arc::new(clock),
        |found: &[StagedSecret]| {
            let text = found.first().map(|secret| secret.value.expose_secret());
            text.and_then(|text| text.parse().ok())
                .ok_or_else(|| UnreadableSecret::because("no number"))
        },
    )
}

fn context() -> Context {
    Context::new(ActorType::WebhookEvent, Uuid::nil())
}

fn versions() -> (Arc<AtomicU32>, Arc<AtomicU32>) {
    (Arc::new(AtomicU32::new(1)), Arc::new(AtomicU32::new(10)))
}

#[tokio::test]
async fn refusals_in_succession_read_secrets_only_once() {
    let (first, second) = versions();
    let built = FromSecrets::new(secret(&first), secret(&second), |a, b| Ok(a + b));
    assert_eq!(*built.get(&context()).await.unwrap(), 11);
    // The clock is fixed, so the secrets were just read and a rejected credential reads nothing.
    second.store(20, Ordering::Relaxed);
    built.refused(&context()).await;
    assert_eq!(*built.get(&context()).await.unwrap(), 11);
}

#[tokio::test]
async fn failed_build_is_retried_at_next_call() {
    let (first, second) = versions();
    let sum = |a: &u32, b: &u32| {
        if *a == 1 {
            Err(StartError::new("not yet"))
        } else {
            Ok(a + b)
        }
    };
    let built = FromSecrets::new(secret(&first), secret(&second), sum);
    let error = built.get(&context()).await.unwrap_err();
    assert_eq!(error.to_string(), "building clients from secrets failed: not yet");
    first.store(2, Ordering::Relaxed);
    built
        .first
        .refresh_if_older_than(SignedDuration::ZERO, &context())
        .await
        .unwrap();
    assert_eq!(*built.get(&context()).await.unwrap(), 12);
}
