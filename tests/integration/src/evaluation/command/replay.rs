//! Decisions computed again from their stored facts.

use super::four_reviews;

#[tokio::test]
async fn replay_reproduces_decisions_and_detects_a_changed_one() {
    let env = four_reviews().await;
    let output = env.countersign(&["replay", "--verify"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), stderr.as_str()),
        (Some(0), "4 decisions verified, 0 mismatched\n")
    );

    // The control: a decision that contradicts its facts. Only the owner can insert it, by disabling the triggers.
    let owner = env.owner().await;
    let sql = "ALTER TABLE security_review_decisions DISABLE TRIGGER append_only_row;
        UPDATE security_review_decisions SET verdict = jsonb_set(verdict, '{outcome}', '\"not_carried\"') WHERE mr_iid = 2";
    owner.batch_execute(sql).await.unwrap();
    let output = env.countersign(&["replay", "--verify"]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("main/77!2: recomputed verdict differs"), "{stdout}");
}

#[tokio::test]
async fn decisions_of_another_evaluator_are_only_reported() {
    let env = four_reviews().await;
    let owner = env.owner().await;
    let sql = "ALTER TABLE security_review_decisions DISABLE TRIGGER append_only_row;
        UPDATE security_review_decisions SET evaluator = 1 WHERE mr_iid IN (1, 2);
        UPDATE security_review_decisions SET verdict = jsonb_set(verdict, '{outcome}', '\"not_carried\"') WHERE mr_iid = 2";
    owner.batch_execute(sql).await.unwrap();
    let output = env.countersign(&["replay", "--verify"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    for line in [
        "3 decisions by another version",
        "2 unchanged, 1 different",
        "1: not_carried, now exception: no_approval",
    ] {
        assert!(stderr.contains(line), "{line:?} in {stderr}");
    }

    // Their digests are still checked.
    let sql = "ALTER TABLE review_evidence DISABLE TRIGGER append_only_row, DROP CONSTRAINT review_evidence_sha256;
        UPDATE review_evidence SET content = replace(content, 'sec-alice', 'sec-mallory') WHERE mr_iid = 1";
    owner.batch_execute(sql).await.unwrap();
    let output = env.countersign(&["replay", "--verify"]);
    assert_eq!(output.status.code(), Some(1));
    let found = String::from_utf8(output.stdout).unwrap();
    assert!(
        found.contains("main/77!1: evidence does not match the decision"),
        "{found}"
    );
}
