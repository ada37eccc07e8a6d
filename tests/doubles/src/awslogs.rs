//! The event that a CloudWatch Logs subscription sends to a function: lines of one log stream as JSON, gzip and base64
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample>).

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// The event with these lines.
#[must_use]
pub fn event<'a>(group: &str, stream: &str, lines: impl IntoIterator<Item = &'a str>) -> Value {
    let events: Vec<_> = lines
        .into_iter()
        .enumerate()
        .map(|(number, line)| json!({"id": format!("{number:056}"), "timestamp": 1_774_000_000_000_u64, "message": format!("{line}\n")}))
        .collect();
    let delivery = json!({
        "messageType": "DATA_MESSAGE", "owner": "000000000000", "logGroup": group, "logStream": stream,
        "subscriptionFilters": ["audit"], "logEvents": events,
    });
    packed(delivery.to_string().as_bytes())
}

/// The event with arbitrary bytes.
///
/// # Panics
/// Never: writing into memory does not fail.
#[must_use]
#[expect(clippy::expect_used, reason = "writing into memory does not fail")]
pub fn packed(bytes: &[u8]) -> Value {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("memory takes bytes");
    let data = gzip.finish().expect("memory takes bytes");
    json!({"awslogs": {"data": STANDARD.encode(data)}})
}
