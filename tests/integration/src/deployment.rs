//! The migration result that a deployment receives from the maintenance function as CloudFormation's custom resource.

use std::time::Duration;

use doubles::siem::{Siem, SiemDouble};
use doubles::{Double, Fault, Stub};
use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::function::Function;
use crate::runtime::refusal;

const RESPONSE: &str = "/response";

/// The environment, the URL where CloudFormation waits for its answer (any server that accepts a PUT), and the function.
async fn set_up(timeout: Duration) -> (TestEnv, SiemDouble, Function) {
    let env = TestEnv::with_functions().await;
    let waiting = Double::<Siem>::start().await;
    waiting.stub(Stub::answering("PUT", RESPONSE, 200, "")).unwrap();
    let maintenance = env.function_with_timeout("maintenance", timeout).await;
    (env, waiting, maintenance)
}

fn request(kind: &str, waiting: &SiemDouble) -> Value {
    json!({
        "RequestType": kind, "ResponseURL": format!("{}{RESPONSE}?X-Amz-Signature=hunter2", waiting.url()),
        "StackId": "stack", "RequestId": "request", "LogicalResourceId": "Migrations", "ResourceType": "Custom::Migrations",
        "ResourceProperties": {"ServiceToken": "maintenance"},
    })
}

/// The final answer to CloudFormation.
fn last_response(waiting: &SiemDouble) -> Value {
    waiting.requests().last().unwrap().body.clone()
}

#[tokio::test]
async fn deployment_success_survives_transient_failures() {
    let (env, waiting, maintenance) = set_up(Duration::from_mins(1)).await;
    let too_new = refusal(400, "AccessDeniedException").containing("\"owner\"").times(1);
    env.aws().stub(too_new).unwrap();
    waiting
        .stub(Stub::failing("PUT", RESPONSE, Fault::Reset).times(1))
        .unwrap();
    waiting
        .stub(Stub::answering("PUT", RESPONSE, 503, "SlowDown").times(1))
        .unwrap();
    maintenance.invoke(request("Update", &waiting)).await;
    let response = last_response(&waiting);
    assert_eq!(
        (&response["Status"], &response["RequestId"]),
        (&json!("SUCCESS"), &json!("request")),
        "{response}"
    );
    assert_eq!(maintenance.entries("cloudformation.api.respond", 3).len(), 3);
}

#[tokio::test]
async fn deployment_failure_is_reported_before_the_timeout() {
    let (env, waiting, maintenance) = set_up(Duration::from_secs(42)).await;
    // A concurrent migration that does not end.
    let lock = "SELECT pg_advisory_lock(hashtextextended('countersign.migrate', 0))";
    env.as_owner(lock).await;
    maintenance.invoke(request("Update", &waiting)).await;
    let response = last_response(&waiting);
    assert_eq!(response["Status"], "FAILED");
    let reason = response["Reason"].as_str().unwrap();
    assert!(reason.contains("countersign migrate"), "{reason}");
}

#[tokio::test]
async fn permanent_error_fails_immediately_and_deletion_succeeds() {
    let (env, waiting, maintenance) = set_up(Duration::from_mins(1)).await;
    let owner = env.aws().secret("owner", "AWSCURRENT").unwrap();
    env.aws().put_secret("app", "AWSCURRENT", owner);
    maintenance.invoke(request("Create", &waiting)).await;
    let failed = last_response(&waiting);
    assert_eq!(failed["Status"], "FAILED");
    assert!(
        failed["Reason"].as_str().unwrap().contains("separate login"),
        "{failed}"
    );
    let asked = env.aws().requests().len();
    maintenance.invoke(request("Delete", &waiting)).await;
    assert_eq!(last_response(&waiting)["Status"], "SUCCESS");
    assert_eq!(env.aws().requests().len(), asked);
}
