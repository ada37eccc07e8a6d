//! Events and quarantine: stored once per delivery, read back as the rules need them.

use doubles::postgres::{connect, fresh_database};
use model::{Content, EventAction, SystemAction};
use store::InsertResult;

use super::sample::{at, eligible, envelope, event, key, user};

#[tokio::test]
async fn an_event_is_recorded_once_per_delivery() {
    let database = fresh_database().await;
    let store = database.store();
    let approval = event(1, EventAction::Approved, 0);
    for (delivery, expected) in [
        ("d-1", InsertResult::New),
        ("d-1", InsertResult::Duplicate),
        ("d-2", InsertResult::New),
    ] {
        let mut tx = store.begin().await.unwrap();
        assert_eq!(
            tx.insert_event(&envelope(&approval, delivery), &approval, eligible(true))
                .await
                .unwrap(),
            expected
        );
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn deliveries_without_key_are_distinct() {
    let database = fresh_database().await;
    let store = database.store();
    let approval = event(1, EventAction::Approved, 0);
    let mut tx = store.begin().await.unwrap();
    for _ in 0..2 {
        let mut without_key = envelope(&approval, "unused");
        without_key.delivery.key = None;
        assert_eq!(
            tx.insert_event(&without_key, &approval, None).await.unwrap(),
            InsertResult::New
        );
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn same_key_from_two_instances_is_two_deliveries() {
    let database = fresh_database().await;
    let store = database.store();
    let approval = event(1, EventAction::Approved, 0);
    let mut tx = store.begin().await.unwrap();
    let mut elsewhere = envelope(&approval, "d-1");
    elsewhere.authentication.instance = "gitlab.elsewhere".to_owned();
    assert_eq!(
        tx.insert_event(&envelope(&approval, "d-1"), &approval, None)
            .await
            .unwrap(),
        InsertResult::New
    );
    assert_eq!(
        tx.insert_event(&elsewhere, &approval, None).await.unwrap(),
        InsertResult::New
    );
    assert_eq!(
        tx.history(&key(1)).await.unwrap().events.len(),
        1,
        "one instance's history does not show the other's"
    );
}

#[tokio::test]
async fn history_is_read_in_order_of_occurrence() {
    let database = fresh_database().await;
    let store = database.store();
    let mut push = event(1, EventAction::Update, 20);
    push.system = true;
    push.system_action = Some(SystemAction::Other("approvals_reset_on_whim".to_owned()));
    push.oldrev = Some("aa".repeat(20));
    push.actor = None;
    push.labels_removed = vec!["sec/low".to_owned()];
    let odd = event(1, EventAction::Other("teleported".to_owned()), 10);
    let mut stale = envelope(&odd, "d-odd");
    stale.authentication.stale = true;

    let mut tx = store.begin().await.unwrap();
    tx.insert_event(&envelope(&push, "d-push"), &push, None).await.unwrap();
    tx.insert_event(&stale, &odd, eligible(false)).await.unwrap();
    let other = event(2, EventAction::Open, 0);
    tx.insert_event(&envelope(&other, "d-other"), &other, None)
        .await
        .unwrap();
    let history = tx.history(&key(1)).await.unwrap().events;
    tx.commit().await.unwrap();

    let [first, second] = history.as_slice() else {
        panic!("{history:?}")
    };
    assert_eq!(
        (&first.action, first.eligible, first.stale),
        (&odd.action, Some(false), true)
    );
    assert_eq!(
        (&first.actor, first.occurred_at, first.pushed),
        (&Some(user(11, "ines")), at(10), false)
    );
    assert!(
        first.labels_added.is_empty(),
        "content of a stale delivery is not trusted"
    );
    assert_eq!((second.eligible, second.pushed, second.system), (None, true, true));
    assert_eq!((&second.system_action, &second.actor), (&push.system_action, &None));
    assert_eq!(second.labels_removed, push.labels_removed);
    assert_eq!((&second.labels, &second.head_sha), (&push.labels, &push.head_sha));
}

#[tokio::test]
async fn hostile_text_is_recorded_and_not_refused() {
    let database = fresh_database().await;
    let store = database.store();
    let hostile = [
        "nul \0 byte",
        "'; DROP TABLE merge_request_events; --",
        "\u{202e}right to left \u{1f980} \u{feff}",
        &"long ".repeat(20_000),
    ];
    for (number, text) in hostile.into_iter().enumerate() {
        let mut odd = event(3, EventAction::Other(text.to_owned()), 0);
        odd.title = text.to_owned();
        odd.labels = vec![text.to_owned()];
        odd.reviewers[0].state = Some(text.to_owned());
        let mut tx = store.begin().await.unwrap();
        let recorded = tx
            .insert_event(&envelope(&odd, &format!("d-{number}")), &odd, None)
            .await
            .unwrap();
        assert_eq!(recorded, InsertResult::New);
        tx.commit().await.unwrap();
    }
    let rows = connect(&database.auditor_url).await;
    let titles = rows
        .query_typed("SELECT mr_title FROM merge_request_events ORDER BY id", &[])
        .await
        .unwrap();
    assert_eq!(titles[0].get::<_, String>(0), "nul \u{fffd} byte");
    assert_eq!(titles[1].get::<_, String>(0), hostile[1]);
}

#[tokio::test]
async fn overlong_delivery_key_still_identifies_the_delivery() {
    let database = fresh_database().await;
    let store = database.store();
    let approval = event(1, EventAction::Approved, 0);
    // Incompressible, so that Postgres cannot fit it into the index.
    let long = (0..400)
        .map(|_| uuid::Uuid::now_v7().simple().to_string())
        .collect::<String>();
    let mut tx = store.begin().await.unwrap();
    for (delivery, expected) in [
        (long.clone(), InsertResult::New),
        (long.clone(), InsertResult::Duplicate),
        (format!("{long}!"), InsertResult::New),
    ] {
        assert_eq!(
            tx.insert_event(&envelope(&approval, &delivery), &approval, None)
                .await
                .unwrap(),
            expected
        );
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_delivery_is_quarantined_once_and_whole() {
    let database = fresh_database().await;
    let store = database.store();
    let mut odd = envelope(&event(1, EventAction::Merge, 0), "d-odd");
    odd.content = Content::Unexpected {
        object_kind: "merge_request".to_owned(),
        problem: "object_attributes.iid: expected a number\0".to_owned(),
        body_base64: "eyJvYmplY3Rfa2luZCI6Im1lcmdlX3JlcXVlc3QifQ==".to_owned(),
        truncated: false,
    };
    for expected in [true, false] {
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.quarantine(&odd, "unexpected shape", at(3)).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    let rows = connect(&database.auditor_url).await;
    let sql = "SELECT reason, object_kind, content ->> 'body_base64' FROM quarantined_deliveries";
    let row = rows.query_typed_one(sql, &[]).await.unwrap();
    let found: (String, String, String) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(found.0, "unexpected shape");
    assert_eq!(found.1, "merge_request");
    assert_eq!(found.2, "eyJvYmplY3Rfa2luZCI6Im1lcmdlX3JlcXVlc3QifQ==");
}
