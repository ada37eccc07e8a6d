//! Every row of the table of sources, and the exception kinds that the stack's rules can produce.

use serde_json::{Value, json};

use super::scene::{ALICE, AUTHOR, HIGH, OUTSIDER, Scene, millis};

type Change = fn(&Scene, &mut Value);
type Deliveries = fn(&Scene) -> Vec<Value>;

/// One case: its name, the labels at the merge, what GitLab shows, earlier deliveries, and the expected result.
type Case = (&'static str, &'static [&'static str], Change, Deliveries, &'static str);

fn approved(by: u64, scene: &Scene, minutes: i64, shown: &mut Value) {
    shown["approved_by"] = json!([{"user": by, "approved_at": millis(scene.before(minutes))}]);
}

fn nothing(_: &Scene) -> Vec<Value> {
    Vec::new()
}

async fn check(cases: &[Case]) {
    let scenes: Vec<Scene> = cases.iter().map(|case| Scene::new(case.1)).collect();
    for ((_, _, change, deliveries, _), scene) in cases.iter().zip(&scenes) {
        scene.shown(|shown| change(scene, shown)).await;
        for payload in deliveries(scene) {
            scene.stack.deliver(&payload).await;
        }
        scene.deliver_merge().await;
    }
    for ((name, .., expected), scene) in cases.iter().zip(&scenes) {
        assert_eq!(scene.verdict().await, *expected, "{name}");
    }
}

#[tokio::test]
async fn verdicts_follow_the_table_of_sources() {
    check(&[
        (
            "GitLab shows an approval, the history none",
            HIGH,
            |scene, shown| approved(ALICE, scene, 60, shown),
            nothing,
            "approved",
        ),
        (
            "GitLab and the history show the same approval",
            HIGH,
            |scene, shown| approved(ALICE, scene, 60, shown),
            |scene| vec![scene.mr.event("approval", ALICE, scene.before(60))],
            "approved",
        ),
        (
            "GitLab shows an approval whose withdrawal is in the history",
            HIGH,
            |scene, shown| approved(ALICE, scene, 60, shown),
            |scene| vec![scene.mr.event("unapproved", ALICE, scene.before(30))],
            "approved",
        ),
        (
            "GitLab shows an approval, the history a later reset",
            HIGH,
            |scene, shown| approved(ALICE, scene, 60, shown),
            |scene| vec![scene.mr.reset_by_push(AUTHOR, scene.before(30))],
            "approved",
        ),
        (
            "GitLab shows none, the history one that was never withdrawn",
            HIGH,
            |_, _| (),
            |scene| vec![scene.mr.event("approved", ALICE, scene.before(60))],
            "unverified",
        ),
        ("neither shows an approval", HIGH, |_, _| (), nothing, "no_approval"),
        (
            "GitLab shows none, the history one that was withdrawn",
            HIGH,
            |_, _| (),
            |scene| {
                vec![
                    scene.mr.event("approved", ALICE, scene.before(60)),
                    scene.mr.event("unapproved", ALICE, scene.before(30)),
                ]
            },
            "approval_revoked",
        ),
    ])
    .await;
}

#[tokio::test]
async fn each_exception_kind_of_the_rules_is_produced() {
    check(&[
        (
            "the label was removed by an ineligible user",
            &["backend"],
            |scene, shown| {
                shown["label_events"] = json!([
                    {"label": "sec/critical", "action": "add", "user": AUTHOR, "created_at": millis(scene.before(90))},
                    {"label": "sec/critical", "action": "remove", "user": OUTSIDER, "created_at": millis(scene.before(10))},
                ]);
            },
            nothing,
            "label_removed_before_merge",
        ),
        (
            "the label was removed by an eligible approver",
            &["backend"],
            |scene, shown| {
                shown["label_events"] =
                    json!([{"label": "sec/critical", "action": "remove", "user": ALICE, "created_at": millis(scene.before(10))}]);
            },
            nothing,
            "declassified",
        ),
        (
            "the code changed after the approval",
            HIGH,
            |scene, shown| {
                approved(ALICE, scene, 60, shown);
                let newer =
                    json!({"head_commit_sha": "f00d", "patch_id_sha": "p2", "created_at": millis(scene.before(30))});
                shown["versions"].as_array_mut().unwrap().push(newer);
                shown["sha"] = json!("f00d");
            },
            nothing,
            "approved_other_commit",
        ),
        (
            "a rebase after the approval",
            HIGH,
            |scene, shown| {
                approved(ALICE, scene, 60, shown);
                let newer =
                    json!({"head_commit_sha": "f00d", "patch_id_sha": "p1", "created_at": millis(scene.before(30))});
                shown["versions"].as_array_mut().unwrap().push(newer);
                shown["sha"] = json!("f00d");
            },
            nothing,
            "approved",
        ),
    ])
    .await;
}

#[tokio::test]
async fn only_eligible_approvals_before_the_merge_count() {
    check(&[
        (
            "the author approved",
            HIGH,
            |scene, shown| approved(AUTHOR, scene, 60, shown),
            nothing,
            "self_approved",
        ),
        (
            "a bot approved",
            HIGH,
            |scene, shown| {
                let bot = json!({"id": 811, "username": "project_7301_bot_2f9e", "state": "active"});
                shown["approved_by"] = json!([{"user": bot, "approved_at": millis(scene.before(60))}]);
            },
            nothing,
            "bot_approved",
        ),
        (
            "an outsider approved",
            HIGH,
            |scene, shown| approved(OUTSIDER, scene, 60, shown),
            nothing,
            "approver_not_eligible",
        ),
        (
            "approved after the merge",
            HIGH,
            |scene, shown| approved(ALICE, scene, -1, shown),
            nothing,
            "approved_after_merge",
        ),
        (
            "GitLab hides it",
            HIGH,
            |_, shown| *shown = Value::Null,
            nothing,
            "unverified",
        ),
    ])
    .await;
}
