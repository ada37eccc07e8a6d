//! The secret in its stages, and settings that are missing or wrong.

use std::time::Duration;

use serde_json::json;

use super::{CURRENT, delivery, merged, secret, started_with};
use crate::env::WEBHOOK_SECRET;
use crate::function::Function;
use crate::local_stack::eventually;

const PENDING: &str = "whsec_bmV4dC1zaWduaW5nLWtleS1vZi10aGUtMzItYnl0ZXM=";
const PREVIOUS: &str = "whsec_cHJldmlvdXMta2V5LW9mLWV4YWN0bHktMzItYnl0ZXM=";

#[tokio::test]
async fn a_misspelt_binding_disables_its_hook() {
    let mut misspelt = secret(CURRENT);
    let hook = misspelt["hooks"][0].as_object_mut().unwrap();
    let namespaces = hook.remove("namespaces").unwrap();
    hook.insert("namespace".to_owned(), namespaces);
    let stages = [("AWSCURRENT", misspelt), ("AWSPREVIOUS", secret(PREVIOUS))];
    let (env, webhook) = started_with(&stages).await;
    let body = merged().to_string();
    for key in [CURRENT, PREVIOUS] {
        let (status, answer) = webhook.send(delivery(key, "id-1", &body)).await;
        assert_eq!((status, &answer["reason"]), (503, &json!("secret_unavailable")));
    }
    let line = &webhook.lines(1, |line| line["level"] == "ERROR")[0];
    assert!(line.to_string().contains("`namespace` is unknown"), "{line}");
    let counted = webhook.lines(1, |line| !line["webhook_secret_problems"].is_null());
    assert_eq!(counted[0]["webhook_secret_problems"], 1);
    assert_eq!(env.aws().messages().len(), 0);
}

#[tokio::test]
async fn every_stage_of_the_secret_proves_a_delivery() {
    let stages = [
        ("AWSCURRENT", CURRENT),
        ("AWSPENDING", PENDING),
        ("AWSPREVIOUS", PREVIOUS),
    ];
    let (_env, webhook) = started_with(&stages.map(|(stage, key)| (stage, secret(key)))).await;
    let body = merged().to_string();
    for key in [CURRENT, PENDING, PREVIOUS] {
        assert_eq!(
            webhook
                .send(delivery(key, key.trim_start_matches("whsec_"), &body))
                .await
                .0,
            202
        );
    }
    let reads = webhook.entries("secretsmanager.api.get_secret_value", 3);
    assert_eq!(reads.len(), 3, "read once each, at the start");
}

#[tokio::test]
async fn a_secret_filled_in_later_needs_no_restart() {
    let (env, webhook) = started_with(&[]).await;
    let body = merged().to_string();
    let (status, answer) = webhook.send(delivery(CURRENT, "id-1", &body)).await;
    assert_eq!((status, &answer["reason"]), (503, &json!("secret_unavailable")));
    env.aws().put_secret(WEBHOOK_SECRET, "AWSCURRENT", secret(CURRENT));
    // A missing secret is requested at most every two seconds, for any number of requests.
    let asks = async || (webhook.send(delivery(CURRENT, "id-1", &body)).await.0 == 202).then_some(());
    eventually(Duration::from_secs(10), "an accepted delivery", asks).await;
}

#[tokio::test]
async fn missing_settings_prevent_the_start_and_are_named() {
    let mut function = Function::start("webhook", &[("SIGNATURE_TOLERANCE_SECONDS", "soon")]).await;
    assert_eq!(function.ended().code(), Some(1));
    let line = &function.lines(1, |line| line["level"] == "ERROR")[0];
    for name in [
        "WEBHOOK_SECRET_ID",
        "DELIVERIES_QUEUE_URL",
        "SIGNATURE_TOLERANCE_SECONDS",
    ] {
        assert!(line["error"].as_str().unwrap().contains(name), "{line}");
    }
}
