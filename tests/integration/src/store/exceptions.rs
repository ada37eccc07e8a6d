//! Decisions and exceptions: a chain per merge request, and one row per merge.

use doubles::postgres::{connect, fresh_database};
use model::{ExceptionKind, ExceptionStatus, LedgerDecision, VerdictOutcome};
use store::StoreError;

use super::sample::{approved_verdict, at, decision, exception, exception_verdict, key, reasons, user};

#[tokio::test]
async fn a_decision_reads_back_with_its_whole_input() {
    let database = fresh_database().await;
    let store = database.store();
    let new = decision(&key(1), exception_verdict(ExceptionKind::SelfApproved), None);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.current_decision(&key(1)).await.unwrap(), None);
    let id = tx.append_decision(&new).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    let stored = tx.current_decision(&key(1)).await.unwrap().unwrap();
    assert_eq!(stored.id, id);
    assert_eq!(stored.decision, Some(LedgerDecision::MergedWithoutApproval));
    assert_eq!(stored.facts, new.facts);
    assert_eq!(stored.verdict, new.verdict);
    assert_eq!((stored.rules_hash, stored.supersedes), (new.rules_hash, None));
    assert_eq!(
        (stored.decided_at, stored.recorded_at),
        (new.decided_at, new.recorded_at)
    );
    assert_eq!(stored.correlation_id, new.correlation_id);
    assert_eq!(
        tx.current_decision(&key(2)).await.unwrap(),
        None,
        "another merge request has its own chain"
    );
}

#[tokio::test]
async fn current_decision_is_the_unsuperseded_one() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    let mut last = None;
    let no_label = model::Verdict {
        outcome: VerdictOutcome::NotCarried,
        reasons: Vec::new(),
        ..approved_verdict()
    };
    for verdict in [
        exception_verdict(ExceptionKind::Unverified),
        approved_verdict(),
        no_label,
    ] {
        last = Some(tx.append_decision(&decision(&key(1), verdict, last)).await.unwrap());
    }
    let stored = tx.current_decision(&key(1)).await.unwrap().unwrap();
    assert_eq!(Some(stored.id), last);
    assert_eq!(stored.decision, None, "without a label there is nothing for the ledger");
}

#[tokio::test]
async fn decision_forking_its_chain_is_rejected() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    let root = tx
        .append_decision(&decision(&key(1), exception_verdict(ExceptionKind::NoApproval), None))
        .await
        .unwrap();
    tx.append_decision(&decision(&key(1), approved_verdict(), Some(root)))
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let cases = [
        ("a second root decision", decision(&key(1), approved_verdict(), None)),
        ("a second successor", decision(&key(1), approved_verdict(), Some(root))),
        (
            "another merge request's",
            decision(&key(2), approved_verdict(), Some(root)),
        ),
        (
            "one that does not exist",
            decision(&key(2), approved_verdict(), Some(uuid::Uuid::now_v7())),
        ),
    ];
    for (what, new) in cases {
        let mut tx = store.begin().await.unwrap();
        let refusal = tx.append_decision(&new).await.unwrap_err();
        assert!(
            matches!(refusal, StoreError::Rejected(_)) && !refusal.is_retryable(),
            "{what}: {refusal}"
        );
    }
}

#[tokio::test]
async fn a_pending_verdict_is_not_a_decision() {
    let database = fresh_database().await;
    let store = database.store();
    let pending = VerdictOutcome::Pending {
        because: "503".to_owned(),
    };
    let verdict = model::Verdict {
        outcome: pending,
        ..approved_verdict()
    };
    let mut tx = store.begin().await.unwrap();
    assert!(matches!(
        tx.append_decision(&decision(&key(1), verdict, None)).await,
        Err(StoreError::Rejected(_))
    ));
}

#[tokio::test]
async fn an_exception_reads_back_as_written() {
    let database = fresh_database().await;
    let store = database.store();
    let written = exception(&key(1));
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.exception(&key(1)).await.unwrap(), None);
    assert_eq!(tx.upsert_exception(&written).await.unwrap(), written.id);
    assert_eq!(tx.exception(&key(1)).await.unwrap(), Some(written.clone()));
    assert_eq!(tx.exception_by_id(written.id).await.unwrap(), Some(written));
    assert_eq!(tx.exception_by_id(uuid::Uuid::now_v7()).await.unwrap(), None);
}

#[tokio::test]
async fn later_verdict_corrects_row_and_keeps_identity() {
    let database = fresh_database().await;
    let store = database.store();
    let first = exception(&key(1));
    let mut later = exception(&key(1));
    later.kind = ExceptionKind::ApprovalRevoked;
    later.reasons = reasons(ExceptionKind::ApprovalRevoked);
    later.labels = vec!["security::critical".to_owned()];
    later.risk_tier = "critical".to_owned();
    later.rules_hash = "ef".repeat(32);
    later.author = None;
    later.merged_by = Some(user(15, "piet"));
    later.recorded_at = at(500);

    let mut tx = store.begin().await.unwrap();
    tx.upsert_exception(&first).await.unwrap();
    assert_eq!(tx.upsert_exception(&later).await.unwrap(), first.id);
    let row = tx.exception(&key(1)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        (row.kind, &row.reasons, &row.labels),
        (later.kind, &later.reasons, &later.labels)
    );
    assert_eq!((row.risk_tier, row.rules_hash), (later.risk_tier, later.rules_hash));
    assert_eq!(
        (row.id, row.recorded_at, row.correlation_id),
        (first.id, first.recorded_at, first.correlation_id)
    );
    assert_eq!(row.author, first.author, "a known user stays known");
    assert_eq!(row.merged_by, later.merged_by);

    let rows = connect(&database.auditor_url).await;
    let sql = "SELECT count(*) FROM security_review_exceptions WHERE 'approval_revoked' = ANY (reason_codes)";
    assert_eq!(rows.query_typed_one(sql, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn manual_status_survives_and_withdrawn_exception_reopens() {
    let database = fresh_database().await;
    let store = database.store();
    let owner = connect(&database.owner_url).await;
    let cases = [
        (ExceptionStatus::Acknowledged, ExceptionStatus::Acknowledged),
        (ExceptionStatus::Closed, ExceptionStatus::Closed),
        (ExceptionStatus::Withdrawn, ExceptionStatus::Open),
    ];
    for (iid, (status, expected)) in (1..).zip(cases) {
        let mut tx = store.begin().await.unwrap();
        let id = tx.upsert_exception(&exception(&key(iid))).await.unwrap();
        tx.commit().await.unwrap();
        let sql = format!(
            "UPDATE security_review_exceptions SET status = '{}' WHERE id = '{id}'",
            status.as_str()
        );
        owner.batch_execute(&sql).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        tx.upsert_exception(&exception(&key(iid))).await.unwrap();
        assert_eq!(
            tx.exception(&key(iid)).await.unwrap().unwrap().status,
            expected,
            "{status:?}"
        );
    }
}

#[tokio::test]
async fn withdrawing_reports_whether_an_exception_existed() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.withdraw_exception(&key(1), at(70)).await.unwrap(), None);
    let id = tx.upsert_exception(&exception(&key(1))).await.unwrap();
    assert_eq!(tx.withdraw_exception(&key(1), at(70)).await.unwrap(), Some(id));
    assert_eq!(tx.withdraw_exception(&key(1), at(80)).await.unwrap(), None);
    assert_eq!(
        tx.exception(&key(1)).await.unwrap().unwrap().status,
        ExceptionStatus::Withdrawn
    );
}
