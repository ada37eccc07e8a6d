//! A database filled by the previous release: each table that it writes has rows, written by the program that owns it.

use doubles::Stub;
use doubles::payload::MergeRequest;
use model::{Content, Envelope};
use serde_json::{Value, json};
use uuid::Uuid;

use super::lives::{LIVES, PLAIN};
use super::release::{Release, countersign, rules};
use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, envelope};
use crate::function::Function;
use crate::outbox::{POST, batch, relay};

/// Merges with incomplete GitLab reads, by the previous release's decision: these decisions are unconfirmed.
pub(super) const UNCONFIRMED: [(u64, &str); 3] = [(20, "unverified"), (21, "not_carried"), (22, "unverified")];
/// Its merge waits for GitLab.
pub(super) const PENDING: u64 = 23;
/// Its review waits for GitLab.
pub(super) const PENDING_REVIEW: u64 = 24;
/// GitLab showed its merge while its review was read, and the merge's own delivery never arrived.
pub(super) const UNDECIDED: u64 = 27;
/// Decided first without GitLab's answer, and again when it was readable.
pub(super) const WITHDRAWN: u64 = 28;

pub(super) fn labelled(iid: u64) -> MergeRequest {
    MergeRequest::new(PROJECT, iid, HIGH)
}

/// Fills every table.
pub(super) async fn fill(release: &Release) {
    let processor = release.start("processor").await;
    for life in LIVES {
        life.lived(release, async |payload| release.deliver(&processor, &payload).await)
            .await;
    }
    stricter_rules(release).await;
    reviews(release, &processor).await;
    not_read(release, &processor).await;
    odd_deliveries(release, &processor).await;
    effects(release).await;
    release
        .as_owner(include_str!("../store/samples/V2__audit_trail.sql"))
        .await;
}

/// Kinds that only other rules produce, and a second rules file.
async fn stricter_rules(release: &Release) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    let group = "group_id: 4242";
    let stricter = rules().replace(group, &format!("{group}\n  minimum: 2\n  exclude_committers: true"));
    assert_ne!(stricter, rules());
    std::fs::write(&file, stricter).unwrap();
    let processor = release.start_by("processor", file.to_str().unwrap()).await;
    for (iid, pusher) in [(30, None), (31, Some(ALICE))] {
        let mr = labelled(iid);
        release.shown(&mr, |shown| {
            shown.approved(ALICE, &release.text(-120));
        });
        let open = mr.event("open", AUTHOR, release.at_second(-600));
        release.deliver(&processor, &open).await;
        if let Some(pusher) = pusher {
            let mut push = mr.event("update", pusher, release.at_second(-300));
            push["object_attributes"]["oldrev"] = json!("a".repeat(40));
            release.deliver(&processor, &push).await;
        }
        release.merge(&processor, &mr).await;
    }
}

/// Reviews before the merge: approved and withdrawn, closed, and one whose merge only GitLab showed.
async fn reviews(release: &Release, processor: &Function) {
    let mr = labelled(25);
    release.shown_open(&mr, |shown| {
        shown.approved(ALICE, &release.text(-120));
    });
    release
        .deliver(processor, &mr.event("approved", ALICE, release.at_second(-120)))
        .await;
    release.shown_open(&mr, |_| ());
    release
        .deliver(processor, &mr.event("unapproved", ALICE, release.at_second(-100)))
        .await;

    let mr = labelled(26);
    release.shown_open(&mr, |shown| {
        shown.set("state", "closed").set("closed_at", release.text(-100));
    });
    release
        .deliver(processor, &mr.event("close", AUTHOR, release.at_second(-100)))
        .await;

    let mr = labelled(UNDECIDED);
    release.shown(&mr, |_| ());
    release
        .deliver(processor, &mr.event("update", AUTHOR, release.at_second(5)))
        .await;
}

/// Merges and reviews that GitLab does not show, or while it is down.
async fn not_read(release: &Release, processor: &Function) {
    let maintenance = release.start("maintenance").await;
    // GitLab answers 404: decided without its answer.
    release.merge(processor, &labelled(20)).await;
    release.merge(processor, &MergeRequest::new(PROJECT, 21, PLAIN)).await;
    release.merge(processor, &labelled(WITHDRAWN)).await;
    release.shown(&labelled(WITHDRAWN), |shown| {
        shown.approved(ALICE, &release.text(-120));
    });
    release.merge(processor, &labelled(WITHDRAWN)).await;
    // GitLab is down: decided at the deadline.
    let mr = labelled(22);
    release.down(&mr);
    release.merge(processor, &mr).await;
    release
        .as_owner("UPDATE evaluations SET deadline_at = now(), next_attempt_at = now() WHERE mr_iid = 22")
        .await;
    let report = maintenance.invoke(json!({"jobs": ["pending_evaluations"]})).await;
    assert_eq!(report["evaluations_judged"], 1, "{report}");
    // These are pending.
    let mr = labelled(PENDING);
    release.down(&mr);
    release.merge(processor, &mr).await;
    let mr = labelled(PENDING_REVIEW);
    release.down(&mr);
    release
        .deliver(processor, &mr.event("update", AUTHOR, release.at_second(-100)))
        .await;
}

/// One with trusted ids only, one sent twice, and one that is unreadable.
async fn odd_deliveries(release: &Release, processor: &Function) {
    let mr = labelled(29);
    release.shown(&mr, |_| ());
    let merge = mr.event("merge", AUTHOR, release.merged_at);
    let mut stale = envelope(&merge, "stale");
    stale.authentication.stale = true;
    release.put(processor, stale).await;
    for _ in 0..2 {
        release.deliver_as(processor, &merge, "twice").await;
    }
    let content = Content::Unexpected {
        object_kind: "merge_request".to_owned(),
        problem: "object_attributes.iid is missing".to_owned(),
        body_base64: "e30=".to_owned(),
        truncated: false,
    };
    let odd = Envelope {
        content,
        ..envelope(&merge, "odd")
    };
    release.put(processor, odd).await;
}

/// One alert that is sent, and one that Slack rejects and an operator queues again.
async fn effects(release: &Release) {
    let (env, notifier) = (&release.env, release.start("notifier").await);
    let alert = async |iid: i64| -> Uuid {
        let sql = format!("SELECT id FROM effects WHERE kind = 'slack_exception_alert' AND mr_iid = {iid}");
        env.owner().await.query_typed(&sql, &[]).await.unwrap()[0].get(0)
    };
    let attempt = async |id: Uuid| {
        let messages = env.aws().messages();
        let of_effect = messages.iter().find(|message| message.body.contains(&id.to_string()));
        let message = of_effect.unwrap_or_else(|| panic!("no message about {id}"));
        notifier.completes(batch(&message.body, "slack:C0SECLEAD", 1)).await;
        env.effect_row(id).await.state
    };
    assert_eq!(attempt(alert(1).await).await, "done");
    let refusal = Stub::answering("POST", POST, 200, json!({"ok": false, "error": "channel_not_found"}));
    env.slack().stub(refusal).unwrap();
    assert_eq!(attempt(alert(4).await).await, "dead");
    env.slack().clear_stubs();
    let retried = countersign(
        &[("DATABASE_URL", &release.database().owner_url)],
        &[
            "effects",
            "retry",
            "--state",
            "dead",
            "--note",
            "the channel is there again",
        ],
    );
    assert!(retried.status.success(), "{retried:?}");
    let maintenance = release.start("maintenance").await;
    let report: Value = maintenance.invoke(relay()).await;
    assert_eq!(report["effects_failed"], 0, "{report}");
}
