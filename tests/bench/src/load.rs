//! Deliveries for the processor, in batches as the queue sends them, and their merge requests in GitLab.

use jiff::{SignedDuration, Timestamp};
use model::{
    AuditLine, AuthMethod, Authentication, Clock as _, Content, DeliveryIds, Envelope, EventAction, MergeRequestEvent,
    MergeRequestIid, OccurredAtSource, Project, ProjectId, SystemClock, User, UserId,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Result;
use super::delivery::INSTANCE;
use doubles::gitlab::World;

/// Messages in one invocation: Lambda's maximum for a FIFO queue.
pub(super) const BATCH: u64 = 10;
/// Number of projects that the merge requests are spread over.
pub(super) const PROJECTS: u64 = 1_000;
const LABEL: &str = "security::high";
const AUTHOR: u64 = 601;
const MERGED_BY: u64 = 602;

/// What the deliveries report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An edit: only recorded.
    Update,
    /// A merge without any security label.
    PlainMerge,
    /// An unapproved merge with a security label.
    Exception,
}

/// The processor version that the messages are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As this version's webhook function writes them.
    Current,
    /// Without later additions, as an earlier webhook function wrote them; this version can read them too.
    Earlier,
}

/// Fields added to the message's content since the first possible baseline version.
const ADDED: [&str; 1] = ["labels_truncated"];

/// The merge request of the delivery with this number; each has its own.
fn merge_request(number: u64) -> (u64, u64) {
    (number % PROJECTS + 1, 1_000_000 + number)
}

/// The merge time: before the delivery.
fn merged_at() -> Timestamp {
    SystemClock.now() - SignedDuration::from_secs(2)
}

/// The FIFO queue event with the deliveries of these numbers
/// (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-fifo-queue-message-event>).
pub(super) fn batch(kind: Kind, form: Form, numbers: impl IntoIterator<Item = u64>) -> Result<Value> {
    let message = |number: u64| -> Result<Value> {
        let envelope = envelope(kind, number)?;
        let mut body = json!(envelope);
        if let (Form::Earlier, Some(content)) = (form, body["content"].as_object_mut()) {
            content.retain(|name, _| !ADDED.contains(&name.as_str()));
        }
        let group = envelope.merge_request().map(|key| key.to_string());
        let sent = SystemClock.now().as_millisecond().to_string();
        Ok(json!({
            "messageId": Uuid::now_v7(), "receiptHandle": "handle", "body": body.to_string(),
            "attributes": {
                "ApproximateReceiveCount": "1", "SentTimestamp": sent, "ApproximateFirstReceiveTimestamp": sent,
                "SequenceNumber": format!("{:020}", 18_850_000_000_000_000_000 + u128::from(number)), "MessageGroupId": group,
                "MessageDeduplicationId": envelope.correlation_id, "SenderId": "AIDAEXAMPLE",
            },
            "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs", "awsRegion": "eu-west-1",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:deliveries.fifo",
        }))
    };
    let records = numbers.into_iter().map(message).collect::<Result<Vec<_>>>()?;
    Ok(json!({"Records": records}))
}

fn event(kind: Kind, number: u64) -> Result<MergeRequestEvent> {
    let user = |id: u64| -> Result<User> {
        let username = format!("user-{id}");
        Ok(User {
            id: UserId(i64::try_from(id)?),
            username,
        })
    };
    let (project, iid) = merge_request(number);
    let (action, state) = match kind {
        Kind::Update => (EventAction::Update, "opened"),
        Kind::PlainMerge | Kind::Exception => (EventAction::Merge, "merged"),
    };
    Ok(MergeRequestEvent {
        project: Project {
            id: ProjectId(i64::try_from(project)?),
            path: format!("group/project-{project}"),
        },
        mr_id: i64::try_from(9_000_000 + number)?,
        mr_iid: MergeRequestIid(i64::try_from(iid)?),
        title: "Move the session store behind the gateway".to_owned(),
        url: format!("https://gitlab.example.com/group/project-{project}/-/merge_requests/{iid}"),
        action,
        state: Some(state.to_owned()),
        actor: Some(user(MERGED_BY)?),
        author_id: Some(user(AUTHOR)?.id),
        occurred_at: merged_at(),
        occurred_at_source: OccurredAtSource::UpdatedAt,
        occurred_at_raw: None,
        labels: if kind == Kind::Exception {
            vec![LABEL.to_owned()]
        } else {
            vec!["backend".to_owned()]
        },
        labels_added: Vec::new(),
        labels_removed: Vec::new(),
        labels_truncated: false,
        system: false,
        system_action: None,
        head_sha: Some("5f1c2f6a90c1e5d86f0f4d7c5f1c2f6a90c1e5d8".to_owned()),
        oldrev: None,
        merge_commit_sha: None,
        merged_at: None,
        source_branch: Some("session-store".to_owned()),
        target_branch: Some("main".to_owned()),
        reviewers: Vec::new(),
    })
}

fn envelope(kind: Kind, number: u64) -> Result<Envelope> {
    let payload_sha256 = model::sha256_hex(&number.to_be_bytes());
    // GitLab's keys are random, which affects an index.
    let key = payload_sha256[..32].to_owned();
    let authentication = Authentication {
        method: AuthMethod::HmacSha256,
        hook: "bench".to_owned(),
        instance: INSTANCE.to_owned(),
        stale: false,
    };
    Ok(Envelope {
        version: Envelope::VERSION,
        correlation_id: Uuid::now_v7(),
        traceparent: None,
        received_at: SystemClock.now(),
        authentication,
        delivery: DeliveryIds {
            key: Some(key.clone()),
            id: Some(key),
            event_uuid: None,
        },
        payload_sha256,
        audit_line: AuditLine {
            stream_id: Uuid::now_v7(),
            seq: number + 1,
        },
        content: Content::MergeRequest(Box::new(event(kind, number)?)),
    })
}

/// Replaces all of GitLab's merge requests by these: the more it holds, the slower this double is.
pub(super) fn show_merge_requests(world: &mut World, kind: Kind, numbers: impl IntoIterator<Item = u64>) {
    world.projects.clear();
    if kind == Kind::Update {
        return;
    }
    let merged_at = format!("{:.3}", merged_at());
    for number in numbers {
        let (project, iid) = merge_request(number);
        let merge_request = world.merge_request(project, iid);
        merge_request.set("author", AUTHOR).merged(MERGED_BY, &merged_at);
        if kind == Kind::Exception {
            let labelled_at = "2026-01-05T10:00:00.000Z";
            merge_request
                .set("labels", json!([LABEL]))
                .label_event("add", LABEL, AUTHOR, labelled_at);
        }
    }
}
