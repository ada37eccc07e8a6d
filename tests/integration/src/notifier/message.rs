//! What is sent, and what is not.

use doubles::Stub;
use model::MergeRequestIid;
use serde_json::json;

use crate::env::{ALICE, TestEnv, at};
use crate::outbox::{HISTORY, POST, message, relay, unapproved};

#[tokio::test]
async fn effect_becomes_one_message() {
    let env = TestEnv::with_functions().await;
    // 1. An unapproved merge whose effect arrives three times.
    let mr = unapproved(1);
    let project = json!({"projects": {"77": {"path_with_namespace": mr.path()}}});
    env.gitlab().patch(project).unwrap();
    env.merged(&mr, |shown| {
        shown.set("title", "Rotate the <signing> keys");
    });
    let mut report = env.deliver_merge(&mr).await;
    let effect = report.effects.remove(0);
    let notifier = env.function("notifier").await;
    for _ in 0..3 {
        notifier.completes(message(&effect, 0)).await;
    }

    // 2. One message, one attempt.
    let [posted] = &env.slack().messages()[..] else {
        panic!("one message expected")
    };
    let row = env.effect_row(effect.id).await;
    assert_eq!((row.state.as_str(), row.attempts), ("done", 1));
    assert_eq!(row.external_id, Some(posted.ts.to_string()));
    assert_eq!(env.attempts(effect.id).await, ["1 begun", "1 ended: done"]);

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
    assert_eq!((env.asked(POST), env.asked(HISTORY)), (1, 0));
    env.audited([notifier]);
}

#[tokio::test]
async fn ending_a_dry_run_sends_no_suppressed_effects() {
    let env = TestEnv::with_functions().await;
    let (old, unknown, new) = (env.effect(1).await, env.effect(2).await, env.effect(3).await);
    let live = env.function("notifier").await;
    env.slack()
        .stub(Stub::answering("POST", POST, 503, "").times(1))
        .unwrap();
    assert_eq!(env.attempt(&live, &unknown).await.state, "ambiguous");
    env.make_due(unknown.id).await;

    let dry = env.function_with("notifier", &[("DRY_RUN", "true")]).await;
    for effect in [&old, &unknown] {
        assert_eq!(env.attempt(&dry, effect).await.state, "suppressed");
        assert_eq!(env.attempt(&live, effect).await.state, "suppressed");
    }
    assert_eq!(env.slack().messages(), []);
    assert_eq!(env.attempt(&live, &new).await.state, "done");
    let maintenance = env.function("maintenance").await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 0);
    assert_eq!(env.slack().messages().len(), 1);
    // A dry run still checks whether an earlier attempt succeeded.
    assert_eq!((env.asked(POST), env.asked(HISTORY)), (2, 1));
    env.audited([live, dry]);
}

#[tokio::test]
async fn an_exception_withdrawn_meanwhile_is_not_announced() {
    let env = TestEnv::with_functions().await;
    // An older GitLab does not report approval times; only the delivery does, and it arrives late.
    env.gitlab().patch(json!({"old_gitlab": true})).unwrap();
    let notifier = env.function("notifier").await;
    let mut effects = Vec::new();
    for iid in 1..=3 {
        let mr = unapproved(iid);
        env.merged(&mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
        let mut report = env.deliver_merge(&mr).await;
        effects.push(report.effects.remove(0));
    }
    // The first was not begun, the second may be in the channel, the third is.
    env.slack()
        .stub(Stub::answering("POST", POST, 503, "").times(1))
        .unwrap();
    assert_eq!(env.attempt(&notifier, &effects[1]).await.state, "ambiguous");
    let fault = doubles::Fault::PostThenReset;
    env.slack().stub(Stub::failing("POST", POST, fault).times(1)).unwrap();
    assert_eq!(env.attempt(&notifier, &effects[2]).await.state, "ambiguous");
    for iid in 1..=3 {
        let late = unapproved(iid).event("approved", ALICE, at("10:00:00"));
        env.deliver(&late).await;
        let (_, status) = env.exception(&unapproved(iid)).await.unwrap();
        assert_eq!(status, "withdrawn");
    }

    for (effect, state, attempts) in [
        (&effects[0], "superseded", 0),
        (&effects[1], "superseded", 2),
        (&effects[2], "done", 2),
    ] {
        env.make_due(effect.id).await;
        let row = env.attempt(&notifier, effect).await;
        assert_eq!((row.state.as_str(), row.attempts), (state, attempts));
    }
    let announced: Vec<_> = env
        .slack()
        .messages()
        .into_iter()
        .map(|message| message.metadata)
        .collect();
    assert_eq!(announced.len(), 1);
    assert_eq!(
        announced[0].as_ref().unwrap()["event_payload"]["mr_iid"],
        json!(MergeRequestIid(3))
    );
    assert_eq!((env.asked(POST), env.asked(HISTORY)), (2, 2));
    env.audited([notifier]);
}
