//! The benchmark's baseline: a function of the same Lambda runtime that does nothing.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::de::IgnoredAny;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // The event is not read: any further cost of another function is its own work.
    let hello = async |_: LambdaEvent<IgnoredAny>| Ok::<_, Error>(json!({"statusCode": 200, "body": "hello"}));
    lambda_runtime::run(service_fn(hello)).await
}
