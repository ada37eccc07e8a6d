//! Unconfirmed decisions and undecided merges, page by page; and events with their whole label lists.

use doubles::postgres::{connect, fresh_database};
use model::{EventAction, MergeRequestKey};
use serde_json::Value;
use store::{EvaluationState, UnconfirmedFilter};

use super::sample::{approved_verdict, at, decision, envelope, evaluation, event, key};

/// Unconfirmed decisions on 1 and 3, a confirmed one on 2, and 4 without a decision.
async fn filled() -> (doubles::postgres::TestDatabase, store::Store) {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    for iid in 1..=3 {
        let mut new = decision(&key(iid), approved_verdict(), None);
        new.confirmed = iid == 2;
        tx.append_decision(&new).await.unwrap();
    }
    for iid in [3, 4] {
        let mut waiting = evaluation(&key(iid));
        waiting.state = EvaluationState::Unconfirmed;
        waiting.first_seen_at = Some(at(1000 * iid));
        tx.keep_evaluation(&waiting, at(61)).await.unwrap();
    }
    tx.commit().await.unwrap();
    (database, store)
}

fn iids(rows: &[store::Unconfirmed]) -> Vec<i64> {
    rows.iter().map(|listed| listed.merge_request.mr_iid.0).collect()
}

#[tokio::test]
async fn both_kinds_are_listed_in_pages() {
    let (_database, store) = filled().await;
    let all = UnconfirmedFilter::default();
    let (mut found, mut after): (Vec<_>, Option<MergeRequestKey>) = (Vec::new(), None);
    loop {
        let page = store.unconfirmed(&all, after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.merge_request.clone());
        found.extend(page);
    }
    assert_eq!(iids(&found), [1, 3, 4]);
    let state = |row: &Value| row["state"].as_str().unwrap().to_owned();
    let states: Vec<_> = found.iter().map(|listed| state(&listed.row)).collect();
    assert_eq!(states, ["unconfirmed", "unconfirmed", "undecided"]);
    assert!(
        found[0].row["next_attempt_at"].is_null(),
        "no schedule reads the first one"
    );
    assert_eq!(found[1].row["reason"], "GitLab answers 503");
}

#[tokio::test]
async fn instance_and_time_narrow_the_list() {
    let (_database, store) = filled().await;
    let list = async |instance: Option<&str>, since: Option<i64>| {
        let filter = UnconfirmedFilter {
            instance: instance.map(str::to_owned),
            since: since.map(at),
        };
        iids(&store.unconfirmed(&filter, None, 10).await.unwrap())
    };
    assert_eq!(list(Some("gitlab.example"), None).await, [1, 3, 4]);
    assert_eq!(list(Some("elsewhere"), None).await, [0; 0]);
    assert_eq!(list(None, Some(3000)).await, [3, 4]);
    assert_eq!(list(None, Some(3001)).await, [4]);
}

#[tokio::test]
async fn unconfirmed_decisions_are_found_by_their_index() {
    let (database, _store) = filled().await;
    let owner = connect(&database.owner_url).await;
    owner.batch_execute("SET enable_seqscan = off").await.unwrap();
    let sql = "EXPLAIN SELECT * FROM security_review_unconfirmed WHERE (instance, project_id, mr_iid) > ('a', 1, 1)";
    let plan = owner.query_typed(sql, &[]).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(
        plan.join("\n").contains("security_review_decisions_unconfirmed"),
        "{plan:#?}"
    );
}

#[tokio::test]
async fn stored_events_have_whole_label_lists() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    for (number, second) in [(1, 10), (2, 10), (3, 20)] {
        let labelled = event(1, EventAction::Update, second);
        tx.insert_event(&envelope(&labelled, &format!("d-{number}")), &labelled, None)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let whole = ["security::high", "backend"];

    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.stored_events(&key(1), at(1), after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.cursor);
        found.extend(page);
    }
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|stored| stored.event.labels == whole), "{found:?}");
    let earlier = store.stored_events(&key(1), at(0), None, 10).await.unwrap();
    assert_eq!(earlier, [], "received after that instant");
}
