//! The evidence of a merge: GitLab's answer, byte for byte, under a digest that decision and ledger contain.

use doubles::Stub;
use doubles::gitlab::ApprovalRule;
use doubles::payload::MergeRequest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::env::{ALICE, AUTHOR, HIGH, OUTSIDER, PROJECT, TestEnv, at};

impl TestEnv {
    /// The stored evidence of a merge request: its rows as JSON, oldest first.
    async fn evidence(&self, mr: &MergeRequest) -> Vec<Value> {
        let sql = format!(
            "SELECT to_jsonb(e) FROM review_evidence e WHERE project_id = {} AND mr_iid = {} ORDER BY id",
            mr.project, mr.iid
        );
        self.column(&sql).await
    }

    /// A column of the merge request's ledger row, and of the current decision.
    async fn named_by(&self, mr: &MergeRequest, column: &str) -> [Value; 2] {
        let sql = format!(
            "SELECT to_jsonb(ledger.{column}), to_jsonb(decision.{column})
            FROM security_review_ledger ledger JOIN security_review_decisions decision ON decision.id = ledger.decision_id
            WHERE ledger.project_id = {} AND ledger.mr_iid = {}",
            mr.project, mr.iid
        );
        let rows = self.auditor().query_typed(&sql, &[]).await.unwrap();
        [0, 1].map(|column| rows[0].get::<_, Option<Value>>(column).unwrap_or_default())
    }
}

#[tokio::test]
async fn complete_evidence_is_referenced_by_decision_and_ledger() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.250Z").reviewer(502);
        shown.label_event("add", "security::high", AUTHOR, "2026-03-01T09:00:00.000Z");
        shown
            .set("merge_commit_sha", "b186370e")
            .set("description", "a secret text");
        shown.approval_rules.push(ApprovalRule {
            name: "Security".to_owned(),
            rule_type: "regular".to_owned(),
            approvals_required: 1,
            eligible_approvers: vec![doubles::gitlab::Person::Id(ALICE)],
        });
    });
    env.deliver_merge(&mr).await;
    let [evidence] = &env.evidence(&mr).await[..] else {
        panic!("one row expected")
    };
    let content = evidence["content"].as_str().unwrap();
    let digest = Sha256::digest(content.as_bytes());
    let digest = digest
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(evidence["sha256"], digest);
    assert_eq!(
        env.named_by(&mr, "evidence_sha256").await,
        [json!(digest), json!(digest)]
    );
    assert_eq!(
        env.named_by(&mr, "evidence_id").await,
        [evidence["id"].clone(), evidence["id"].clone()]
    );
    assert_eq!(
        env.entries("ledger.record.upsert").last().unwrap()["details"]["evidence_sha256"],
        digest
    );

    let kept: Value = serde_json::from_str(content).unwrap();
    assert_eq!(
        kept["merge_request"],
        json!({"instance": "main", "project_id": 77, "mr_iid": 1})
    );
    answer_is_complete(&kept["gitlab"]["answer"], &mr);
    assert!(
        !content.contains("a secret text"),
        "a description is searched for issues, but not stored"
    );
}

fn answer_is_complete(answer: &Value, mr: &MergeRequest) {
    for (path, expected) in [
        ("/approvals/0/user/username", json!("sec-alice")),
        ("/approvals/0/approved_at", json!("2026-03-02T10:00:00.25Z")),
        ("/reviewers/known/0/user/id", json!(502)),
        ("/reviewers/known/0/state", json!("unreviewed")),
        ("/label_events/known/0/label", json!("security::high")),
        ("/label_events/known/0/at", json!("2026-03-01T09:00:00Z")),
        ("/labels_now/0", json!("security::high")),
        ("/approval_rules/known/0/name", json!("Security")),
        ("/approval_rules/known/0/approved", json!(true)),
        ("/approval_rules/known/0/eligible_count", json!(1)),
        ("/approval_rules/known/0/approved_by/0/id", json!(ALICE)),
        ("/merge/head_sha", json!(mr.head)),
        ("/merge/merge_commit_sha", json!("b186370e")),
        ("/merge/merged_at", json!("2026-03-02T12:00:00Z")),
    ] {
        assert_eq!(answer.pointer(path), Some(&expected), "{path} in {answer:#}");
    }
}

#[tokio::test]
async fn only_merges_with_a_security_label_have_evidence() {
    let env = TestEnv::with_evaluator().await;
    for (iid, labels, expected) in [(1, HIGH, 1), (2, &["backend"], 0)] {
        let mr = MergeRequest::new(PROJECT, iid, labels);
        env.merged(&mr, |_| ());
        env.deliver_merge(&mr).await;
        assert_eq!(env.evidence(&mr).await.len(), expected, "{labels:?}");
    }
}

#[tokio::test]
async fn denied_merge_has_evidence_of_the_denial() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    // Missing from the double's world: GitLab answers 404.
    env.deliver_merge(&mr).await;
    let [evidence] = &env.evidence(&mr).await[..] else {
        panic!("one row expected")
    };
    assert_eq!(evidence["read_at"], Value::Null);
    let kept: Value = serde_json::from_str(evidence["content"].as_str().unwrap()).unwrap();
    assert!(
        kept["gitlab"]["refused"]["because"].as_str().unwrap().contains("404"),
        "{kept}"
    );

    // GitLab shows it later: another decision, with its own evidence; the first stays.
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    env.deliver_merge(&mr).await;
    let kept = env.evidence(&mr).await;
    assert_eq!(kept.len(), 2);
    assert_eq!(
        env.named_by(&mr, "evidence_id").await,
        [kept[1]["id"].clone(), kept[1]["id"].clone()]
    );
}

/// GitLab now shows that the label was added after the merge, and the merge is reported again without it.
pub(super) async fn labelled_after_the_merge(env: &TestEnv, mr: &MergeRequest) -> app::DeliveryReport {
    env.merged(mr, |shown| {
        shown.merged(AUTHOR, "2026-03-02T11:00:00.000Z").label_event(
            "add",
            "security::high",
            AUTHOR,
            "2026-03-02T11:30:00.000Z",
        );
    });
    let bare = MergeRequest {
        labels: Vec::new(),
        ..mr.clone()
    };
    env.deliver(&bare.event("merge", AUTHOR, at("11:00:00"))).await
}

#[tokio::test]
async fn decision_without_needed_review_has_evidence() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.deliver_merge(&mr).await;
    let report = labelled_after_the_merge(&env, &mr).await;
    assert_eq!(report.outcome.as_str(), "not_carried");
    let decisions = env
        .count("security_review_decisions WHERE evidence_id IS NOT NULL", &mr)
        .await;
    assert_eq!((decisions, env.evidence(&mr).await.len()), (2, 2));
}

#[tokio::test]
async fn decisions_on_same_answer_share_evidence() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    env.deliver_merge(&mr).await;
    // The approval's own delivery arrives late: now both sources prove it.
    env.deliver(&mr.event("approved", ALICE, at("10:00:00"))).await;
    let decisions = env
        .count("security_review_decisions WHERE evidence_id IS NOT NULL", &mr)
        .await;
    assert_eq!((decisions, env.evidence(&mr).await.len()), (2, 1));
}

#[tokio::test]
async fn unreadable_approval_rules_do_not_change_the_verdict() {
    for (status, says) in [(404, "404"), (500, "500")] {
        let env = TestEnv::with_evaluator().await;
        let mr = MergeRequest::new(PROJECT, 1, HIGH);
        env.merged(&mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
        let path = "/api/v4/projects/77/merge_requests/1/approval_state";
        env.gitlab().stub(Stub::answering("GET", path, status, "no")).unwrap();
        let report = env.deliver_merge(&mr).await;
        assert_eq!(report.outcome.as_str(), "approved", "{status}");
        let kept: Value = serde_json::from_str(env.evidence(&mr).await[0]["content"].as_str().unwrap()).unwrap();
        let why = kept["gitlab"]["answer"]["approval_rules"]["unknown"].as_str().unwrap();
        assert!(why.contains(says), "{why}");
    }
}

#[tokio::test]
async fn evidence_must_match_its_digest_and_merge_request() {
    let env = TestEnv::with_evaluator().await;
    let (one, other) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    for mr in [&one, &other] {
        env.merged(mr, |shown| {
            shown.approved(OUTSIDER, "2026-03-02T10:00:00.000Z");
        });
        env.deliver_merge(mr).await;
    }
    let owner = env.owner().await;
    for (sql, constraint) in [
        (
            "INSERT INTO review_evidence SELECT gen_random_uuid(), instance, project_id, mr_iid, content || ' ', sha256 || '', read_at, recorded_at,
                correlation_id FROM review_evidence LIMIT 1",
            "review_evidence_sha256",
        ),
        (
            "UPDATE security_review_ledger ledger SET revision = revision + 1, evidence_id = e.id, evidence_sha256 = e.sha256
                FROM review_evidence e WHERE e.mr_iid <> ledger.mr_iid",
            "security_review_ledger_evidence",
        ),
        (
            "UPDATE security_review_ledger SET revision = revision + 1, evidence_sha256 = repeat('0', 64)",
            "security_review_ledger_evidence",
        ),
        (
            "UPDATE security_review_ledger SET revision = revision + 1, evidence_id = NULL",
            "security_review_ledger_evidence_whole",
        ),
    ] {
        let error = owner.batch_execute(sql).await.expect_err(sql);
        let error = error.as_db_error().unwrap();
        assert_eq!(error.constraint(), Some(constraint), "{sql}: {error}");
    }
}
