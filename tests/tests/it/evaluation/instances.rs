//! Two GitLab instances: the numeric ids of one mean other people and groups at the other.

use model::{Kind, Outcome};
use tests::doubles::gitlab as double;
use tests::payload::MergeRequest;

use super::world::{AUTHOR, HIGH, OUTSIDER, PROJECT, World, at, envelope, key};

/// The rules of the tests with a second instance, whose security team is one user and a group that GitLab does not show.
fn rules() -> String {
    let one = include_str!("../rules.yaml");
    let top = "approvers:\n  group_id: 4242 # security-team\n  minimum_access_level: 30\n";
    let two = "instances:
  acquired: { api_url: \"https://gitlab.acquired.example.com\", approvers: { users: [700] } }
  main:
    approvers: { group_id: 4242 }
";
    let rules = one.replace(top, "").replace("instances:\n  main:\n", two);
    assert!(rules.contains("users: [700]") && !rules.contains(top));
    rules
}

#[tokio::test]
async fn approvers_count_at_their_own_instance_only() {
    let world = World::with_rules(&rules()).await;
    for (iid, approver, instance, approved) in [
        (1, 501, "main", true),
        (2, OUTSIDER, "main", false),
        (3, 501, "acquired", false),
        (4, OUTSIDER, "acquired", true),
    ] {
        let mr = MergeRequest::new(PROJECT, iid, HIGH);
        let given = |shown: &mut double::MergeRequest| {
            shown.approved(approver, "2026-03-02T10:00:00.000Z");
        };
        world.merged(&mr, given);
        let mut envelope = envelope(&mr.told("merge", AUTHOR, at("12:00:00")), &format!("delivery-{iid}"));
        instance.clone_into(&mut envelope.authentication.instance);
        world.evaluator.deliver(&envelope).await.unwrap();

        let mut key = key(&mr);
        instance.clone_into(&mut key.instance);
        let mut tx = world.evaluator.store().begin().await.unwrap();
        let outcome = tx.latest_decision(&key).await.unwrap().unwrap().verdict.outcome;
        tx.rollback().await.unwrap();
        if approved {
            assert!(matches!(outcome, Outcome::Approved { .. }), "{iid}: {outcome:?}");
        } else {
            let kind = Kind::ApproverNotEligible;
            assert_eq!(outcome, Outcome::Exception { kind }, "{iid}");
        }
    }
}
