//! The ledger row: the state of each review, independent of the order of arrival, and its history.

use std::sync::Arc;

use doubles::payload::MergeRequest;
use model::LedgerDecision;
use serde_json::{Value, json};
use store::StoredLedgerRow;
use uuid::Uuid;

use super::arrival::orders;
use super::world::{ALICE, AUTHOR, HIGH, OUTSIDER, PROJECT, World, at, envelope, key};

/// Runs every nth of the 5,040 orders, so that the test ends in seconds; `LEDGER_ORDERS=all` runs all of them.
const EVERY: usize = 24;

impl World {
    pub(super) async fn row(&self, mr: &MergeRequest) -> Option<StoredLedgerRow> {
        let mut tx = self.evaluator.store().begin().await.unwrap();
        let row = tx.ledger_row(&key(mr)).await.unwrap();
        tx.rollback().await.unwrap();
        row
    }

    /// The row's content without the time and cause of the write.
    async fn says(&self, mr: &MergeRequest) -> Value {
        let sql = format!(
            "SELECT to_jsonb(ledger) - 'id' - 'mr_iid' - 'mr_id' - 'web_url' - 'decision_id' - 'read_at' - 'revision' - 'recorded_at'
                - 'updated_at' - 'correlation_id' - 'evidence_id' - 'evidence_sha256' FROM security_review_ledger AS ledger WHERE project_id = {} AND mr_iid = {}",
            mr.project, mr.iid
        );
        let rows = self.auditor.query_typed(&sql, &[]).await.unwrap();
        assert_eq!(rows.len(), 1, "one row for {}", mr.iid);
        rows[0].get(0)
    }

    /// Decisions of a merge request from the first to the current one.
    async fn decisions(&self, mr: &MergeRequest) -> Vec<(String, Option<String>)> {
        let sql = format!(
            "WITH RECURSIVE chain AS (
                SELECT id, stage, decision, 1 AS place FROM security_review_decisions
                WHERE supersedes IS NULL AND project_id = {project} AND mr_iid = {iid}
                UNION ALL
                SELECT later.id, later.stage, later.decision, place + 1
                FROM chain JOIN security_review_decisions AS later ON later.supersedes = chain.id)
            SELECT stage, decision FROM chain ORDER BY place",
            project = mr.project,
            iid = mr.iid
        );
        let rows = self.auditor.query_typed(&sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// GitLab shows the merge request as open, created at seven and labelled at eight.
    pub(super) fn open(&self, mr: &MergeRequest, with: impl FnOnce(&mut doubles::gitlab::MergeRequest)) {
        let labels = mr.labels.clone();
        self.gitlab.world(|world| {
            let shown = world.merge_request(mr.project, mr.iid);
            shown
                .set("title", "Rotate the signing keys")
                .set("state", "opened")
                .set("created_at", "2026-03-02T07:00:00.000Z")
                .set("labels", labels)
                .set("author", mr.author)
                .set("sha", mr.head.as_str())
                .version(&mr.head, "p1", "2026-03-02T07:00:00.000Z");
            shown.label_events.clear();
            shown.label_event("add", "security::high", AUTHOR, "2026-03-02T08:00:00.250Z");
            with(shown);
        });
    }
}

fn labelled_at_last(mr: &MergeRequest) -> Value {
    let mut payload = mr.event("update", AUTHOR, at("11:45:00"));
    let labels = payload["labels"].clone();
    payload["changes"] = json!({"labels": {"previous": [], "current": labels}});
    payload
}

/// A realistic life: approved, reset by a push, closed and reopened, approved again, labelled at last, merged.
fn life(mr: &MergeRequest) -> [Value; 7] {
    let bare = MergeRequest {
        labels: Vec::new(),
        ..mr.clone()
    };
    [
        bare.event("approved", ALICE, at("09:00:00")),
        bare.reset_by_push(AUTHOR, at("09:30:00")),
        bare.event("close", AUTHOR, at("10:00:00")),
        bare.event("reopen", AUTHOR, at("10:10:00")),
        bare.event("approved", ALICE, at("11:00:00")),
        labelled_at_last(mr),
        mr.event("merge", AUTHOR, at("12:00:00")),
    ]
}

fn shown_merged(world: &World, mr: &MergeRequest) {
    world.open(mr, |shown| {
        shown.label_events.clear();
        shown
            .label_event("add", "security::high", AUTHOR, "2026-03-02T11:45:00.100Z")
            .approved(ALICE, "2026-03-02T11:00:00.500Z")
            .merged(AUTHOR, "2026-03-02T12:00:00.000Z")
            .set("merge_commit_sha", "b186370e62e2ae348df64fb187c13aff4008457b");
    });
}

#[expect(clippy::disallowed_methods, reason = "the test run's own setting")]
fn chosen() -> Vec<Vec<usize>> {
    let all = std::env::var("LEDGER_ORDERS").is_ok_and(|chosen| chosen == "all");
    orders(7).into_iter().step_by(if all { 1 } else { EVERY }).collect()
}

#[tokio::test]
async fn seven_events_give_same_row_in_every_order() {
    let world = World::new().await;
    let mut rows: Vec<Value> = Vec::new();
    for (index, order) in chosen().into_iter().enumerate() {
        let mr = MergeRequest::new(PROJECT, index as u64 + 1, HIGH);
        shown_merged(&world, &mr);
        let events = life(&mr);
        for event in &order {
            let delivery = envelope(&events[*event], &format!("{index}/{event}"));
            app::process_delivery(&world.evaluator, &delivery).await.unwrap();
        }
        let again = envelope(&events[order[index % 7]], &format!("{index}/{}", order[index % 7]));
        assert_eq!(
            app::process_delivery(&world.evaluator, &again)
                .await
                .unwrap()
                .outcome
                .as_str(),
            "duplicate"
        );
        rows.push(world.says(&mr).await);
    }
    assert!(rows.len() >= 5_040 / EVERY);
    rows.sort_by_key(Value::to_string);
    rows.dedup();
    assert_eq!(rows.len(), 1, "{rows:#?}");
    let row = &rows[0];
    assert_eq!(
        (&row["decision"], &row["deciding_reviewer_username"]),
        (&json!("merged"), &json!("sec-alice"))
    );
    assert_eq!(row["decided_at"], "2026-03-02T12:00:00+00:00");
    assert_eq!(row["labelled_at"], "2026-03-02T11:45:00.1+00:00");
    assert_eq!(row["time_to_decision"], "00:14:59.9");
    assert_eq!(
        (&row["time_to_approval"], &row["time_unknown_reason"]),
        (&Value::Null, &json!("approved_before_label"))
    );
}

#[tokio::test]
async fn eight_concurrent_writers_produce_the_row_of_one() {
    let world = World::new().await;
    let (one, many) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    let of = |mr: &MergeRequest| {
        [
            mr.event("open", AUTHOR, at("07:00:00")),
            mr.event("approved", ALICE, at("09:00:00")),
            mr.event("unapproved", ALICE, at("09:30:00")),
            mr.event("approved", ALICE, at("10:00:00")),
        ]
    };
    for mr in [&one, &many] {
        world.open(mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
    }
    for event in of(&one) {
        world.deliver(&event).await;
    }
    let writers = (0..8_usize).map(|writer| {
        let (evaluator, events) = (world.another(), of(&many));
        async move {
            for step in 0..4 {
                let event = &events[(writer + step) % 4];
                // Two hooks report each event, so that half of the writers send the same delivery.
                let delivery = envelope(event, &format!("hook {} event {}", writer % 2, (writer + step) % 4));
                app::process_delivery(&evaluator, &delivery).await.unwrap();
            }
        }
    });
    futures::future::join_all(writers).await;
    assert_eq!(world.says(&many).await, world.says(&one).await);
    let row = world.row(&many).await.unwrap().row;
    assert_eq!(row.review.decision, Some(LedgerDecision::Approved));
    // The chain has one root and one end, and the row matches its end.
    let decisions = world.decisions(&many).await;
    assert_eq!(
        world.count("security_review_decisions WHERE true", &many).await,
        i64::try_from(decisions.len()).unwrap()
    );
    assert_eq!(decisions.last().unwrap().1.as_deref(), Some("approved"));
}

#[tokio::test]
async fn each_review_step_updates_row_and_history() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    let bare = MergeRequest {
        labels: Vec::new(),
        ..mr.clone()
    };
    world.deliver(&bare.event("open", AUTHOR, at("07:00:00"))).await;
    assert_eq!(world.row(&mr).await, None, "not labelled yet");
    assert_eq!(world.gitlab.requests().len(), 0, "and GitLab is not read");

    world.open(&mr, |_| ());
    world.deliver(&mr.event("update", AUTHOR, at("08:00:00"))).await;
    let row = world.row(&mr).await.unwrap();
    let review = row.row.review;
    assert_eq!((row.revision, review.decision), (1, None), "labelled, nothing decided");
    assert_eq!(review.labelled_at, Some("2026-03-02T08:00:00.250Z".parse().unwrap()));
    assert!(world.decisions(&mr).await.is_empty());

    world.open(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T09:00:00.000Z").reviewer(ALICE);
    });
    world.deliver(&mr.event("approved", ALICE, at("09:00:00"))).await;
    let row = world.row(&mr).await.unwrap().row;
    assert_eq!(row.review.decision, Some(LedgerDecision::Approved));
    assert_eq!(row.review.deciding_reviewer.as_ref().unwrap().username, "sec-alice");
    assert_eq!(row.reviewers.len(), 1);

    world.open(&mr, |shown| shown.approved_by.clear());
    world.deliver(&mr.reset_by_push(AUTHOR, at("10:00:00"))).await;
    let row = world.row(&mr).await.unwrap().row;
    assert_eq!(row.review.decision, Some(LedgerDecision::ApprovalRevoked));
    assert_eq!(row.review.deciding_reviewer, None, "the pusher decided nothing");

    world.deliver(&mr.event("close", AUTHOR, at("10:30:00"))).await;
    world.deliver(&mr.event("reopen", AUTHOR, at("10:40:00"))).await;
    world.merged(&mr, |_| ());
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    let row = world.row(&mr).await.unwrap().row;
    assert_eq!(row.review.decision, Some(LedgerDecision::MergedWithoutApproval));
    assert_eq!(row.merge.as_ref().unwrap().at, at("12:00:00"));

    let recorded = world.decisions(&mr).await;
    let recorded: Vec<_> = recorded
        .iter()
        .map(|(stage, decision)| (stage.as_str(), decision.as_deref().unwrap()))
        .collect();
    let expected = [
        ("review", "approved"),
        ("review", "approval_revoked"),
        ("review", "closed"),
        ("review", "reopened"),
        ("merge", "merged_without_approval"),
    ];
    assert_eq!(recorded, expected);
}

#[tokio::test]
async fn an_approval_that_does_not_count_decides_nothing() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.open(&mr, |shown| {
        shown
            .approved(OUTSIDER, "2026-03-02T09:00:00.000Z")
            .approved(AUTHOR, "2026-03-02T09:10:00.000Z");
    });
    world.deliver(&mr.event("approved", OUTSIDER, at("09:00:00"))).await;
    world.deliver(&mr.event("approved", AUTHOR, at("09:10:00"))).await;
    let row = world.row(&mr).await.unwrap().row;
    assert_eq!((row.review.decision, row.review.approved_at), (None, None));
}

#[tokio::test]
async fn hidden_merge_request_is_in_ledger_without_decision() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.deliver(&mr.event("approved", ALICE, at("09:00:00"))).await;
    let row = world.row(&mr).await.unwrap().row;
    assert_eq!(
        (row.review.decision, row.merge),
        (None, None),
        "404 proves neither an approval nor a merge"
    );
    assert_eq!(row.title, "Rotate the signing keys", "as the delivery reported it");
    world.deliver(&mr.event("close", AUTHOR, at("10:00:00"))).await;
    assert_eq!(
        world.row(&mr).await.unwrap().row.review.decision,
        Some(LedgerDecision::Closed)
    );
}

#[tokio::test]
async fn unlabelled_event_counts_once_review_is_known() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.open(&mr, |_| ());
    world.deliver(&mr.event("update", AUTHOR, at("08:00:00"))).await;
    // The label was removed; the merge request stays in the ledger.
    let bare = MergeRequest {
        labels: Vec::new(),
        ..mr.clone()
    };
    world.deliver(&bare.event("close", AUTHOR, at("10:00:00"))).await;
    assert_eq!(
        world.row(&mr).await.unwrap().row.review.decision,
        Some(LedgerDecision::Closed)
    );
}

#[tokio::test]
async fn redelivery_repeats_the_same_ledger_audit_entry() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let delivery = envelope(&mr.event("merge", AUTHOR, at("12:00:00")), "one");
    app::process_delivery(&world.evaluator, &delivery).await.unwrap();
    app::process_delivery(&world.evaluator, &delivery).await.unwrap();
    let entries = world.entries("ledger.record.upsert");
    assert_eq!(entries.len(), 2);
    let same = |entry: &Value| {
        let mut entry = entry.clone();
        entry["stream"] = Value::Null;
        entry
    };
    assert_eq!(same(&entries[0]), same(&entries[1]));
    let (entry, row) = (&entries[0], world.row(&mr).await.unwrap());
    assert_eq!(entry["correlation_id"], delivery.correlation_id.to_string());
    assert_eq!(entry["target"]["mr_iid"], 1);
    let details = &entry["details"];
    assert_eq!(details["decision"], "merged");
    assert_eq!(details["deciding_reviewer"], "sec-alice");
    assert_eq!(details["revision"], row.revision);
    assert_eq!(details["decision_id"], row.row.decision_id.unwrap().to_string());
}

#[tokio::test]
async fn deciding_rules_are_kept_exactly() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.merged(&mr, |_| ());
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    let sql = "SELECT content FROM rules_files JOIN security_review_decisions ON hash = rules_hash";
    let rows = world.auditor.query_typed(sql, &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, String>(0), include_str!("../rules.yaml"));
}

#[tokio::test]
async fn concurrently_written_row_is_not_overwritten() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.merged(&mr, |_| ());
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    let standing = world.row(&mr).await.unwrap();
    let store = Arc::new(world.database.store());
    let mut row = standing.row.clone();
    row.title = "Another".to_owned();
    row.correlation_id = Uuid::now_v7();
    for expected in [Ok(2), Err(())] {
        let mut tx = store.begin().await.unwrap();
        let written = tx.write_ledger_row(&row, Some(&standing), world.now()).await;
        assert_eq!(
            written
                .as_ref()
                .map(|written| written.revision)
                .map_err(|error| assert!(error.is_retryable())),
            expected
        );
        if written.is_ok() {
            tx.commit().await.unwrap();
        }
    }
}
