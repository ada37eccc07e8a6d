//! What is sent, and what is not.

use doubles::Stub;
use model::MergeRequestIid;
use serde_json::json;

use crate::evaluation::world::{ALICE, AUTHOR, at};
use crate::outbox::{HISTORY, POST, Stand, message, relay, unapproved};

#[tokio::test]
async fn effect_becomes_one_message() {
    let stand = Stand::new().await;
    // 1. An unapproved merge whose effect arrives three times.
    let mr = unapproved(1);
    let project = json!({"projects": {"77": {"path_with_namespace": mr.path()}}});
    stand.world.gitlab.patch(project).unwrap();
    stand.world.merged(&mr, |shown| {
        shown.set("title", "Rotate the <signing> keys");
    });
    let mut report = stand.world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    let effect = report.effects.remove(0);
    let notifier = stand.notifier().await;
    for _ in 0..3 {
        stand.done(&notifier, message(&effect, 0)).await;
    }

    // 2. One message, one attempt.
    let [posted] = &stand.slack.messages()[..] else {
        panic!("one message expected")
    };
    let row = stand.row(effect.id).await;
    assert_eq!((row.state.as_str(), row.attempts), ("done", 1));
    assert_eq!(row.external_id, Some(posted.ts.to_string()));
    assert_eq!(stand.attempts(effect.id).await, ["1 begun", "1 ended: done"]);

    // 3. The message names the merge, the reason and the exception, with markup escaped.
    assert_eq!(posted.channel, "C0SECLEAD");
    let shown = json!(posted.blocks).to_string();
    let exception = effect.exception_id.unwrap().to_string();
    for part in [
        "/-/merge_requests/1|Rotate the &lt;signing&gt; keys>",
        "*Project*\\npayments/gateway-77 !1",
        "*Merged by*\\nuser-601 (id 601)",
        "*Labels*\\nsecurity::high",
        "No approval was given.",
        exception.as_str(),
    ] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    for part in [
        "Rotate the &lt;signing&gt; keys",
        "merged by user-601",
        "No approval was given.",
    ] {
        assert!(posted.text.contains(part), "{part} is missing in {}", posted.text);
    }
    assert_eq!(
        posted.metadata,
        Some(json!({
            "event_type": "countersign_effect",
            "event_payload": {
                "key": effect.key, "exception_id": exception, "project_id": 77, "mr_iid": 1, "kind": "no_approval",
            },
        }))
    );
    assert_eq!((stand.asked(POST), stand.asked(HISTORY)), (1, 0));
    stand.audited([notifier]);
}

#[tokio::test]
async fn ending_a_dry_run_sends_no_suppressed_effects() {
    let stand = Stand::new().await;
    let (old, unknown, new) = (stand.effect(1).await, stand.effect(2).await, stand.effect(3).await);
    let live = stand.notifier().await;
    stand
        .slack
        .stub(Stub::answering("POST", POST, 503, "").times(1))
        .unwrap();
    assert_eq!(stand.attempt(&live, &unknown).await.state, "ambiguous");
    stand.make_due(unknown.id).await;

    let dry = stand.start("notifier", &[("DRY_RUN", "true")]).await;
    for effect in [&old, &unknown] {
        assert_eq!(stand.attempt(&dry, effect).await.state, "suppressed");
        assert_eq!(stand.attempt(&live, effect).await.state, "suppressed");
    }
    assert_eq!(stand.slack.messages(), []);
    assert_eq!(stand.attempt(&live, &new).await.state, "done");
    let maintenance = stand.start("maintenance", &[]).await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 0);
    assert_eq!(stand.slack.messages().len(), 1);
    // A dry run still checks whether an earlier attempt succeeded.
    assert_eq!((stand.asked(POST), stand.asked(HISTORY)), (2, 1));
    stand.audited([live, dry]);
}

#[tokio::test]
async fn an_exception_withdrawn_meanwhile_is_not_announced() {
    let stand = Stand::new().await;
    // An older GitLab does not report approval times; only the delivery does, and it arrives late.
    stand.world.gitlab.patch(json!({"old_gitlab": true})).unwrap();
    let notifier = stand.notifier().await;
    let mut effects = Vec::new();
    for iid in 1..=3 {
        let mr = unapproved(iid);
        stand.world.merged(&mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
        let mut report = stand.world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
        effects.push(report.effects.remove(0));
    }
    // The first was not begun, the second may be in the channel, the third is.
    stand
        .slack
        .stub(Stub::answering("POST", POST, 503, "").times(1))
        .unwrap();
    assert_eq!(stand.attempt(&notifier, &effects[1]).await.state, "ambiguous");
    let fault = doubles::Fault::PostThenReset;
    stand.slack.stub(Stub::failing("POST", POST, fault).times(1)).unwrap();
    assert_eq!(stand.attempt(&notifier, &effects[2]).await.state, "ambiguous");
    for iid in 1..=3 {
        let late = unapproved(iid).event("approved", ALICE, at("10:00:00"));
        stand.world.deliver(&late).await;
        let (_, status) = stand.world.exception(&unapproved(iid)).await.unwrap();
        assert_eq!(status, "withdrawn");
    }

    for (effect, state, attempts) in [
        (&effects[0], "superseded", 0),
        (&effects[1], "superseded", 2),
        (&effects[2], "done", 2),
    ] {
        stand.make_due(effect.id).await;
        let row = stand.attempt(&notifier, effect).await;
        assert_eq!((row.state.as_str(), row.attempts), (state, attempts));
    }
    let announced: Vec<_> = stand
        .slack
        .messages()
        .into_iter()
        .map(|message| message.metadata)
        .collect();
    assert_eq!(announced.len(), 1);
    assert_eq!(
        announced[0].as_ref().unwrap()["event_payload"]["mr_iid"],
        json!(MergeRequestIid(3))
    );
    assert_eq!((stand.asked(POST), stand.asked(HISTORY)), (2, 2));
    stand.audited([notifier]);
}
