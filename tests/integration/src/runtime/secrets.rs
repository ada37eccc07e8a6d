//! `GetSecretValue`: values, stages without one, failures, and a rotation seen through the cache.

use std::sync::Arc;

use audit::FailureClass;
use doubles::{Fault, Stub};
use jiff::SignedDuration;
use model::{Clock, SystemClock};
use runtime::secrets::{SecretCache, Stage, from_json};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{aws, refusal};

#[tokio::test]
async fn secret_is_read_at_its_stage_and_hidden() {
    let (double, parts) = aws().await;
    double.put_secret("countersign/webhook", "AWSCURRENT", "hunter2");
    let value = parts
        .secrets
        .get(&parts.context, "countersign/webhook", Stage::Current)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(value.expose_secret(), "hunter2");
    let entry = parts.entry();
    assert_eq!(entry["action"], "secretsmanager.api.get_secret_value");
    assert_eq!(
        entry["target"],
        json!({"resource_type": "secret", "id": "countersign/webhook"})
    );
    assert_eq!(entry["outcome"], "success");
    assert_eq!(entry["details"], json!({"stage": "AWSCURRENT", "attempts": 1}));
    for hidden in ["hunter2", "aws-secret-key", "aws-session-token"] {
        assert!(
            !entry.to_string().contains(hidden) && !format!("{:?}", parts.secrets).contains(hidden),
            "{hidden}"
        );
    }
}

#[tokio::test]
async fn empty_stage_is_normal_except_the_current_one() {
    for stage in [Stage::Pending, Stage::Previous] {
        let (double, parts) = aws().await;
        double.put_secret("countersign/webhook", "AWSCURRENT", "hunter2");
        let value = parts
            .secrets
            .get(&parts.context, "countersign/webhook", stage)
            .await
            .unwrap();
        assert!(value.is_none());
        let entry = parts.entry();
        assert_eq!(entry["outcome"], "success");
        assert_eq!(
            entry["details"],
            json!({"stage": stage.as_str(), "absent": true, "attempts": 1})
        );
    }
    let (_double, parts) = aws().await;
    let error = parts
        .secrets
        .get(&parts.context, "countersign/webhook", Stage::Current)
        .await
        .unwrap_err();
    assert_eq!(error.class(), FailureClass::NotFound);
    assert_eq!(parts.entry()["error"], "not_found");
}

#[tokio::test]
async fn each_secret_failure_has_its_class_and_entry() {
    use FailureClass::{AuthFailure, InvalidResponse, NetworkError, RateLimit, ServerError};
    let binary = json!({"ARN": "arn", "Name": "n", "SecretBinary": "aHVudGVyMg==", "VersionStages": ["AWSCURRENT"]});
    let table = [
        ("access denied", refusal(400, "AccessDeniedException"), AuthFailure),
        (
            "the key may not be used",
            refusal(400, "DecryptionFailure"),
            InvalidResponse,
        ),
        ("throttled", refusal(400, "ThrottlingException"), RateLimit),
        ("an internal error", refusal(500, "InternalServiceError"), ServerError),
        (
            "not JSON",
            Stub::answering("POST", "/", 200, "hunter2"),
            InvalidResponse,
        ),
        (
            "a binary value",
            Stub::answering("POST", "/", 200, binary),
            InvalidResponse,
        ),
        (
            "a reset connection",
            Stub::failing("POST", "/", Fault::Reset),
            NetworkError,
        ),
    ];
    for (name, stub, class) in table {
        let (double, parts) = aws().await;
        double.stub(stub).unwrap();
        let error = parts
            .secrets
            .get(&parts.context, "countersign/webhook", Stage::Pending)
            .await
            .unwrap_err();
        assert_eq!(error.class(), class, "{name}: {error}");
        let entry = parts.entry();
        assert_eq!(entry["error"], class.as_str(), "{name}");
        assert!(!format!("{error:?}{entry}").contains("hunter2"), "{name}");
    }
}

#[tokio::test]
async fn cache_offers_both_values_during_a_rotation() {
    let (double, parts) = aws().await;
    double.put_secret("countersign/webhook", "AWSCURRENT", json!({"token": "one"}));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let source = Arc::new(parts.secrets.clone());
    let tokens = SecretCache::new(source, "countersign/webhook", &Stage::ALL, clock, |found| {
        let token = |value: Value| value["token"].as_str().unwrap_or_default().to_owned();
        found
            .iter()
            .map(|secret| from_json(&secret.value).map(token))
            .collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(*tokens.get(&parts.context).await.unwrap(), ["one"]);
    double.put_secret("countersign/webhook", "AWSPENDING", json!({"token": "two"}));
    assert_eq!(*tokens.get(&parts.context).await.unwrap(), ["one"], "still fresh");
    let renewed = tokens
        .refresh_if_older_than(SignedDuration::ZERO, &parts.context)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(*renewed, ["one", "two"]);
    assert_eq!(parts.audit.entries().len(), 6, "three stages, twice");
}
