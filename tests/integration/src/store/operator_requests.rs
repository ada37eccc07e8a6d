//! Operator requests: recorded only by an operator's login, executed once, never lost.

use doubles::postgres::{TestDatabase, config, connect, fresh_database};
use serde_json::json;
use store::{OperatorRequestError, Store, StoreError};
use uuid::Uuid;

use super::sample::at;

const COMMANDS: [&str; 1] = ["reevaluate"];
const MINUTE: i64 = 60;

fn operator(database: &TestDatabase) -> Store {
    Store::new(config(&database.operator_url)).unwrap()
}

/// A request recorded at this second.
async fn requested(database: &TestDatabase, command: &str, second: i64) -> Uuid {
    let arguments = json!({"unconfirmed": true, "since": null});
    let store = operator(database);
    let recorded = store.record_operator_request(command, &arguments, at(second));
    recorded.await.unwrap()
}

#[tokio::test]
async fn a_claimed_request_comes_back_after_its_claim() {
    let database = fresh_database().await;
    let store = database.store();
    let id = requested(&database, "reevaluate", 0).await;
    let claimed = store.claim_operator_request(&COMMANDS, at(5)).await.unwrap().unwrap();
    assert_eq!((claimed.id, claimed.started_at), (id, Some(at(5))));
    assert_eq!(claimed.arguments, json!({"unconfirmed": true, "since": null}));
    assert_eq!(claimed.login, config(&database.operator_url).user());
    let early = at(5 + 15 * MINUTE - 1);
    assert_eq!(store.claim_operator_request(&COMMANDS, early).await.unwrap(), None);
    let again = store
        .claim_operator_request(&COMMANDS, at(5 + 15 * MINUTE))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(again.id, id);

    // The first run ends late: it has lost the claim.
    let lost = store
        .finish_operator_request(&claimed, &json!({"read": 1}), 0, at(2000))
        .await;
    assert!(!lost.unwrap());
    assert!(!store.put_operator_request_back(&claimed, None).await.unwrap());
    let kept = store
        .finish_operator_request(&again, &json!({"read": 2}), 0, at(2001))
        .await;
    assert!(kept.unwrap());
    let stored = store.operator_request(id).await.unwrap().unwrap();
    assert_eq!(
        (stored.finished_at, stored.exit_code, stored.result),
        (Some(at(2001)), Some(0), Some(json!({"read": 2})))
    );
    assert_eq!(store.claim_operator_request(&COMMANDS, at(9000)).await.unwrap(), None);
    let app = connect(&database.app_url).await;
    let change = app
        .batch_execute("UPDATE operator_requests SET result = '{}'")
        .await
        .unwrap_err();
    assert_eq!(
        change.code().unwrap().code(),
        "23001",
        "a finished request never changes"
    );
}

#[tokio::test]
async fn an_unknown_command_is_left_for_an_hour() {
    let database = fresh_database().await;
    let store = database.store();
    let id = requested(&database, "reconcile", 0).await;
    let early = store
        .claim_operator_request(&COMMANDS, at(60 * MINUTE - 1))
        .await
        .unwrap();
    assert_eq!(early, None);
    let newer = store
        .claim_operator_request(&["reconcile"], at(1))
        .await
        .unwrap()
        .unwrap();
    assert!(store.put_operator_request_back(&newer, None).await.unwrap());
    let old = store
        .claim_operator_request(&COMMANDS, at(60 * MINUTE))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(old.id, id);
}

#[tokio::test]
async fn a_long_request_lets_others_go_first() {
    let database = fresh_database().await;
    let store = database.store();
    let long = requested(&database, "reevaluate", 0).await;
    let claimed = store.claim_operator_request(&COMMANDS, at(1)).await.unwrap().unwrap();
    let progress = json!({"read": 40});
    assert!(
        store
            .put_operator_request_back(&claimed, Some(&progress))
            .await
            .unwrap()
    );
    let short = requested(&database, "reevaluate", 2).await;
    let mut order = Vec::new();
    while let Some(next) = store.claim_operator_request(&COMMANDS, at(3)).await.unwrap() {
        order.push((next.id, next.result));
    }
    assert_eq!(order, [(short, None), (long, Some(progress))]);
}

#[tokio::test]
async fn a_request_under_way_elsewhere_is_skipped() {
    let database = fresh_database().await;
    let store = database.store();
    let (first, second) = (
        requested(&database, "reevaluate", 0).await,
        requested(&database, "reevaluate", 1).await,
    );
    let mut other = connect(&database.owner_url).await;
    let holding = other.transaction().await.unwrap();
    let lock = format!("SELECT FROM operator_requests WHERE id = '{first}' FOR UPDATE");
    holding.batch_execute(&lock).await.unwrap();
    let claimed = store.claim_operator_request(&COMMANDS, at(2)).await.unwrap().unwrap();
    assert_eq!(claimed.id, second);
}

#[tokio::test]
async fn only_an_operator_records_a_request() {
    let database = fresh_database().await;
    let record = async |url: &str| {
        let store = Store::new(config(url)).unwrap();
        store.record_operator_request("reevaluate", &json!({}), at(0)).await
    };
    for url in [&database.auditor_url, &database.app_url] {
        let rejected = record(url).await.unwrap_err();
        let login = config(url).user().to_owned();
        assert!(
            matches!(rejected, OperatorRequestError::NotAnOperator { .. }),
            "{rejected}"
        );
        let grant = format!("GRANT countersign_operator TO {login}");
        assert!(rejected.to_string().contains(&grant), "{rejected}");
    }
    // The owner may, as the command does on the local stack.
    record(&database.owner_url).await.unwrap();
    // The message's advice is sufficient, although an auditor's login is read-only by default.
    let owner = connect(&database.owner_url).await;
    let auditor = config(&database.auditor_url).user().to_owned();
    owner
        .batch_execute(&format!("GRANT countersign_operator TO {auditor}"))
        .await
        .unwrap();
    let id = record(&database.auditor_url).await.unwrap();
    let stored = database.store().operator_request(id).await.unwrap().unwrap();
    assert_eq!(stored.login, auditor);

    let operator = connect(&database.operator_url).await;
    for sql in [
        "INSERT INTO operator_requests (id, command, arguments, requested_at, login) VALUES (gen_random_uuid(), 'x', '{}', now(), 'jane')",
        "UPDATE operator_requests SET finished_at = now(), exit_code = 0",
        "DELETE FROM operator_requests",
        "UPDATE evaluations SET next_attempt_at = now()",
    ] {
        let refused = operator.batch_execute(sql).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{sql}");
    }
}

#[tokio::test]
async fn a_request_is_read_by_every_login() {
    let database = fresh_database().await;
    let id = requested(&database, "reevaluate", 0).await;
    for url in [&database.auditor_url, &database.app_url, &database.operator_url] {
        let store = Store::new(config(url)).unwrap();
        store.check_schema().await.unwrap();
        assert!(store.operator_request(id).await.unwrap().is_some(), "{url}");
    }
    let unknown: Result<_, StoreError> = operator(&database).operator_request(Uuid::nil()).await;
    assert_eq!(unknown.unwrap(), None);
}
