//! A 20 KB delivery as GitLab sends it, and its API Gateway event.

use inbound::gitlab::{SigningToken, sign};
use model::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::Result;

const TOKEN: &str = "whsec_Y291bnRlcnNpZ24tdGVzdC1rZXktb2YtMzItYnl0ZXM=";

/// The instance that the rules name.
pub(super) const INSTANCE: &str = "main";

/// The size of a delivery with a long description, many labels and reviewers.
pub(super) const BYTES: usize = 20 * 1024;

/// The webhook's secret.
pub(super) fn secret() -> Value {
    json!({"hooks": [{"name": "bench", "instance": INSTANCE, "signing_tokens": [TOKEN], "namespaces": ["platform/"]}]})
}

/// A body of exactly [`BYTES`] bytes; `kind` is `merge_request`, or one that the webhook ignores.
pub(super) fn body(kind: &str) -> String {
    let person = |id: u32| {
        let avatar = format!("https://gitlab.example.com/uploads/-/system/user/avatar/{id}/avatar.png");
        json!({"id": id, "name": format!("Person {id}"), "username": format!("person-{id}"), "avatar_url": avatar, "email": "[REDACTED]"})
    };
    let label = |id: u32| {
        let description = "A label of the group, set during triage by users";
        json!({"id": id, "title": format!("area::{id}"), "color": "#6699cc", "project_id": null, "group_id": 9,
            "created_at": "2026-01-05 08:00:00 UTC", "updated_at": "2026-01-05 08:00:00 UTC", "template": false,
            "description": description, "type": "GroupLabel"})
    };
    let mut labels: Vec<_> = (1..=12).map(label).collect();
    labels.push(json!({"id": 99, "title": "security::high", "color": "#cc0000", "type": "GroupLabel"}));
    let document = |description: &str| {
        json!({
            "object_kind": kind, "event_type": kind, "user": person(602),
            "project": {"id": 77, "name": "Vault", "path_with_namespace": "platform/vault", "default_branch": "main",
                "web_url": "https://gitlab.example.com/platform/vault", "visibility_level": 0, "namespace": "Platform"},
            "object_attributes": {
                "id": 90017, "iid": 12, "title": "Rotate the signing keys", "action": "merge", "state": "merged",
                "author_id": 601, "target_project_id": 77, "source_branch": "rotate", "target_branch": "main",
                "url": "https://gitlab.example.com/platform/vault/-/merge_requests/12",
                "created_at": "2026-03-01 10:00:00 UTC", "updated_at": "2026-03-02 10:15:00 UTC", "labels": labels,
                "last_commit": {"id": "5f1c2f6a90c1e5d86f0f4d7c5f1c2f6a90c1e5d8", "message": "Rotate\n\nLong overdue."},
                "merge_commit_sha": "77aa2f6a90c1e5d86f0f4d7c5f1c2f6a90c1e5d8", "description": description,
            },
            "labels": labels, "changes": {"state_id": {"previous": 4, "current": 3}},
            "reviewers": (501..=505).map(person).collect::<Vec<_>>(), "assignees": [person(601)],
        })
        .to_string()
    };
    // A line break is two bytes of JSON; prose contains some.
    let line = "What is done here, and why it is done in this way rather than another.\n";
    let missing = BYTES.saturating_sub(document("").len());
    let mut description = line.repeat(missing / (line.len() + 1));
    description.push_str(&"x".repeat(BYTES.saturating_sub(document(&description).len())));
    document(&description)
}

/// The headers of a delivery signed now, under a unique id.
pub(super) struct Signed {
    pub(super) id: String,
    pub(super) timestamp: String,
    pub(super) signature: String,
}

impl Signed {
    pub(super) fn new(number: usize, body: &str) -> Result<Self> {
        let token = SigningToken::parse(TOKEN)?;
        let (id, timestamp) = (format!("bench-{number}"), SystemClock.now().as_second().to_string());
        let signature = sign(&token, &id, &timestamp, body.as_bytes());
        Ok(Self {
            id,
            timestamp,
            signature,
        })
    }

    /// API Gateway's event (payload format 2.0).
    pub(super) fn event(&self, body: &str) -> Value {
        let host = "abc.execute-api.eu-west-1.amazonaws.com";
        json!({
            "version": "2.0", "routeKey": "POST /webhook", "rawPath": "/webhook", "rawQueryString": "",
            "headers": {
                "host": host, "content-type": "application/json", "user-agent": "GitLab/19.1.0", "x-forwarded-proto": "https",
                "x-gitlab-event": "Merge Request Hook", "idempotency-key": self.id, "webhook-id": self.id,
                "webhook-timestamp": self.timestamp, "webhook-signature": self.signature,
            },
            "requestContext": {
                "accountId": "000000000000", "apiId": "abc", "domainName": host, "requestId": "r", "stage": "$default",
                "http": {"method": "POST", "path": "/webhook", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "x"},
                "routeKey": "POST /webhook", "timeEpoch": 1,
            },
            "body": body, "isBase64Encoded": false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_has_its_exact_size_and_kind() {
        for kind in ["merge_request", "push"] {
            let body = body(kind);
            assert_eq!(body.len(), BYTES);
            let classified = inbound::gitlab::classify(body.as_bytes(), SystemClock.now());
            assert_eq!(
                matches!(classified, inbound::gitlab::Classified::MergeRequest(_)),
                kind == "merge_request"
            );
        }
    }
}
