//! Approvers with membership data that misled other tools.

use doubles::Stub;
use doubles::gitlab::Member;
use doubles::payload::MergeRequest;
use model::Note;
use serde_json::{Value, json};

use super::fixtures::{IVO, TARA, hook, kind, mr, row, shows};
use crate::env::{ALICE, HIGH, TestEnv, at};

/// Tara's group was invited into the team's: she is only in `members/all`.
async fn invited(inherited_count: bool) -> (TestEnv, MergeRequest) {
    let direct = include_str!("../../rules.yaml");
    let inherited = direct.replace("group_id: 4242", "group_id: 4242\n  include_inherited: true");
    let env = TestEnv::with_rules(if inherited_count { &inherited } else { direct }).await;
    let member = Member {
        access_level: 30,
        expires_at: None,
    };
    env.gitlab()
        .world(|shown| shown.groups.get_mut(&4242).unwrap().inherited.insert(TARA, member));
    let mr = mr(1, HIGH);
    shows(&env, &mr, |shown| {
        shown.approved(TARA, "2026-03-02T10:00:00.000Z");
    });
    env.deliver(&hook(&mr, "merge", IVO, "12:00:00")).await;
    (env, mr)
}

#[tokio::test]
async fn members_of_invited_groups_count_if_configured() {
    let (env, mr) = invited(false).await;
    let exception = row(&env, "security_review_exceptions", &mr).await;
    assert_eq!(exception["kind"], "approver_not_eligible");
    let detail = exception["reasons"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("tara"), "{detail}");

    let (env, mr) = invited(true).await;
    assert_eq!(env.exception(&mr).await, None);
    assert_eq!(row(&env, "security_review_decisions", &mr).await["outcome"], "approved");
}

#[tokio::test]
async fn the_reason_says_no_direct_member() {
    let (env, mr) = invited(false).await;
    let exception = row(&env, "security_review_exceptions", &mr).await;
    let detail = exception["reasons"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("direct member"), "{detail}");
}

/// Alice's membership as GitLab lists it.
fn listed(changes: &Value) -> Value {
    let mut member = json!({
        "id": ALICE, "username": "sec-alice", "name": "Alice Sandoval", "state": "active", "locked": false,
        "access_level": 30, "membership_state": "active", "expires_at": null,
    });
    for (name, value) in changes.as_object().unwrap() {
        member[name] = value.clone();
    }
    json!([member])
}

/// A merge that Alice approved in the morning, with her membership as listed at the merge.
async fn approved_by(member: &Value) -> (TestEnv, MergeRequest) {
    let env = TestEnv::with_evaluator().await;
    let mr = mr(1, HIGH);
    let members = Stub::answering("GET", "/api/v4/groups/4242/members", 200, listed(member));
    env.gitlab().stub(members).unwrap();
    shows(&env, &mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    env.deliver(&hook(&mr, "merge", IVO, "12:00:00")).await;
    (env, mr)
}

async fn notes_of(state: &str) -> Vec<Note> {
    let (env, mr) = approved_by(&json!({"state": state})).await;
    env.decision(&mr).await.unwrap().verdict.notes
}

/// Blocked people stay listed as members and approvers.
#[tokio::test]
async fn inactive_members_do_not_count() {
    for changes in [
        json!({"state": "blocked"}),
        json!({"state": "ldap_blocked"}),
        json!({"state": "deactivated"}),
        json!({"state": "banned"}),
        json!({"membership_state": "awaiting"}),
    ] {
        let (env, mr) = approved_by(&changes).await;
        assert_eq!(
            kind(&env, &mr).await.as_deref(),
            Some("approver_not_eligible"),
            "{changes}"
        );
    }
    let (env, mr) = approved_by(&json!({})).await;
    assert_eq!(env.exception(&mr).await, None, "an active one counts");
}

/// No membership was recorded at the approval: the one read at the merge counts, with a note.
#[tokio::test]
async fn a_membership_read_later_is_noted() {
    assert_eq!(notes_of("active").await, [Note::EligibilityAsOfNow]);
}

#[tokio::test]
async fn a_missing_membership_read_later_is_noted() {
    assert_eq!(notes_of("blocked").await, [Note::EligibilityAsOfNow]);
}

/// GitLab keeps an approval after the approver has left; the membership at the approval counts.
#[tokio::test]
async fn membership_at_the_approval_counts() {
    for (iid, was_member, expected) in [(1, true, None), (2, false, Some("approver_not_eligible"))] {
        let env = TestEnv::with_evaluator().await;
        let mr = mr(iid, HIGH);
        let set_member = |member: bool| {
            env.gitlab().world(|shown| {
                if member {
                    shown.member(4242, ALICE, 30);
                } else {
                    shown.groups.get_mut(&4242).unwrap().members.remove(&ALICE);
                }
            });
        };
        set_member(was_member);
        env.clock.set(at("11:58:02"));
        env.deliver(&hook(&mr, "approved", ALICE, "11:58:00")).await;
        set_member(!was_member);
        env.clock.set(at("12:00:02"));
        shows(&env, &mr, |shown| {
            shown.approved(ALICE, "2026-03-02T11:58:00.000Z");
        });
        env.deliver(&hook(&mr, "merge", IVO, "12:00:00")).await;
        assert_eq!(kind(&env, &mr).await.as_deref(), expected, "{was_member}");
        let verdict = env.decision(&mr).await.unwrap().verdict;
        assert_eq!(verdict.notes, [], "{was_member}");
        let both = model::VerdictOutcome::Approved {
            proof: model::Proof::Both,
        };
        assert_eq!(verdict.outcome == both, was_member, "{verdict:?}");
    }
}
