//! The parts of the webhook's work without I/O, called directly.

use std::hint::black_box;
use std::time::Instant;

use inbound::gitlab::{Classified, DeliveryHeaders, HookSet, Tolerance, WebhookSecret};
use model::{AuditLine, AuthMethod, Authentication, Clock as _, Content, Envelope, SystemClock};
use secrecy::SecretString;
use uuid::Uuid;

use super::delivery::{self, Signed};
use super::report::Row;
use super::sample::{Sample, microseconds};
use super::{Effort, Result};

const TOLERANCE: Tolerance = Tolerance {
    seconds: 300,
    max_body_bytes: 5 * 1024 * 1024,
};

/// A row for each part, and one for all of them.
pub(super) fn measure(body: &str, effort: &Effort) -> Result<Vec<Row>> {
    let secret = WebhookSecret::parse(&SecretString::from(delivery::secret().to_string()))?;
    let (hooks, _) = HookSet::merge([secret]);
    let signed = Signed::new(0, body)?;
    let headers = DeliveryHeaders {
        webhook_id: Some(&signed.id),
        webhook_timestamp: Some(&signed.timestamp),
        webhook_signature: Some(&signed.signature),
        gitlab_token: None,
        idempotency_key: Some(&signed.id),
        event_uuid: None,
    };
    let body = body.as_bytes();
    let mut parts = [const { Vec::new() }; 4];
    // Ten percent extra for warm-up.
    let warm_up = effort.invocations / 10;
    for number in 0..warm_up + effort.invocations {
        let now = SystemClock.now();
        let begun = Instant::now();
        let proof = inbound::gitlab::authenticate(&headers, black_box(body), &hooks, now, TOLERANCE);
        let authenticated = begun.elapsed();
        let hook = proof.map_err(inbound::gitlab::Rejection::as_str)?.hooks[0].name.clone();

        let begun = Instant::now();
        let classified = inbound::gitlab::classify(black_box(body), now);
        let read = begun.elapsed();
        let Classified::MergeRequest(event) = classified else {
            return Err("the delivery was not parsed as a merge request".into());
        };

        let begun = Instant::now();
        let text = seal(hook, &headers, body, Content::MergeRequest(event), now)?;
        let sealed = begun.elapsed();
        black_box(text);
        if number >= warm_up {
            let all = authenticated + read + sealed;
            for (part, took) in parts.iter_mut().zip([authenticated, read, sealed, all]) {
                part.push(microseconds(took));
            }
        }
    }
    let names = [
        "authenticate (HMAC)",
        "read the body",
        "hash, envelope, its JSON",
        "all three",
    ];
    let rows = names.into_iter().zip(parts).map(|(name, values)| {
        let sample = Sample::new(values).ok_or("there was no delivery")?;
        Ok(Row::of(format!("in process: {name}"), "us", &sample))
    });
    rows.collect()
}

/// The queued message.
fn seal(
    hook: String,
    headers: &DeliveryHeaders<'_>,
    body: &[u8],
    content: Content,
    now: jiff::Timestamp,
) -> Result<String> {
    let payload_sha256 = model::sha256_hex(body);
    let delivery = inbound::gitlab::delivery_ids(headers, AuthMethod::HmacSha256, &payload_sha256);
    let authentication = Authentication {
        method: AuthMethod::HmacSha256,
        hook,
        instance: super::delivery::INSTANCE.to_owned(),
        stale: false,
    };
    let envelope = Envelope {
        version: Envelope::VERSION,
        correlation_id: Uuid::now_v7(),
        traceparent: None,
        received_at: now,
        authentication,
        delivery,
        payload_sha256,
        audit_line: AuditLine {
            stream_id: Uuid::nil(),
            seq: 1,
        },
        content,
    };
    Ok(serde_json::to_string(&envelope)?)
}
