//! Two GitLab instances: a numeric id means different people and groups on each.

use std::io::Write as _;
use std::process::Command;

use doubles::gitlab as double;
use doubles::payload::MergeRequest;
use model::{ExceptionKind, VerdictOutcome};
use rules::Rules;

use crate::env::{ALICE, AUTHOR, HIGH, OUTSIDER, PROJECT, TestEnv, at, envelope, key};
use crate::program::built;

/// The tests' rules with a second instance, whose security team is one user and a group that GitLab does not show.
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

/// Two instances with top-level approvers, as earlier releases accepted them.
fn earlier() -> String {
    let second = "instances:\n  acquired: { api_url: \"https://gitlab.acquired.example.com\" }\n";
    include_str!("../rules.yaml").replace("instances:\n", second)
}

#[tokio::test]
async fn approvers_count_at_their_own_instance_only() {
    let env = TestEnv::with_rules(&rules()).await;
    for (iid, approver, instance, approved) in [
        (1, ALICE, "main", true),
        (2, OUTSIDER, "main", false),
        (3, ALICE, "acquired", false),
        (4, OUTSIDER, "acquired", true),
    ] {
        let mr = MergeRequest::new(PROJECT, iid, HIGH);
        let given = |shown: &mut double::MergeRequest| {
            shown.approved(approver, "2026-03-02T10:00:00.000Z");
        };
        env.merged(&mr, given);
        let mut envelope = envelope(&mr.event("merge", AUTHOR, at("12:00:00")), &format!("delivery-{iid}"));
        instance.clone_into(&mut envelope.authentication.instance);
        app::process_delivery(env.app(), &envelope).await.unwrap();

        let mut key = key(&mr);
        instance.clone_into(&mut key.instance);
        let mut tx = env.app().store().begin().await.unwrap();
        let outcome = tx.current_decision(&key).await.unwrap().unwrap().verdict.outcome;
        tx.rollback().await.unwrap();
        if approved {
            assert!(matches!(outcome, VerdictOutcome::Approved { .. }), "{iid}: {outcome:?}");
        } else {
            let kind = ExceptionKind::ApproverNotEligible;
            assert_eq!(outcome, VerdictOutcome::Exception { kind }, "{iid}");
        }
    }
}

#[tokio::test]
async fn decisions_by_files_of_earlier_releases_replay() {
    let rules = Rules::parse_stored(&earlier()).unwrap();
    let env = TestEnv::builder().gitlab().database().rules(rules).build().await;
    let mr = MergeRequest::new(PROJECT, 5, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    env.deliver_merge(&mr).await;
    let replayed = env.countersign(&["replay", "--verify"]);
    assert!(replayed.status.success(), "{replayed:?}");
    let explained = env.countersign(&["explain", "77!5"]);
    let text = String::from_utf8_lossy(&explained.stdout);
    assert!(text.contains("1 valid of 1, 1 needed"), "{text}");
}

#[test]
fn check_rules_rejects_shared_ids_with_their_line() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(earlier().as_bytes()).unwrap();
    let mut command = Command::new(built("countersign"));
    let checked = command.arg("check-rules").arg(file.path()).output().unwrap();
    let text = String::from_utf8_lossy(&checked.stderr);
    assert_eq!(checked.status.code(), Some(1), "{text}");
    let line = "line 16: approvers: numeric ids belong to one instance";
    assert!(text.contains(line), "{text}");
}
