//! Logins: created by the owner without a superuser, changed by the next deployment, with passwords that no other login knows.

use doubles::postgres::{TestDatabase, config, connect, empty_database, fresh_database};
use secrecy::SecretString;
use store::{Group, LoginError, Store};

fn with_password(database: &TestDatabase, password: &str) -> Store {
    let url = database.app_url.replace("app%20password", password);
    Store::new(config(&url)).unwrap()
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one() {
    let database = fresh_database().await;
    let login = config(&database.app_url);
    let odd = "q'uo\"te$$ \\ ü";
    let owner = config(&database.owner_url);
    store::provision_login(&owner, login.user(), &SecretString::from(odd), Group::Application)
        .await
        .unwrap();
    assert!(database.store().connect().await.is_err(), "the old password is gone");
    with_password(&database, "q%27uo%22te%24%24%20%5C%20%C3%BC")
        .connect()
        .await
        .unwrap();
}

#[tokio::test]
async fn login_with_odd_name_is_created() {
    let database = fresh_database().await;
    let name = format!("odd \"$$' {}", database.name());
    let owner = config(&database.owner_url);
    store::provision_login(&owner, &name, &SecretString::from("p"), Group::Auditor)
        .await
        .unwrap();
    let server = connect(&database.owner_url).await;
    let quoted = name.replace('"', "\"\"");
    server.batch_execute(&format!("DROP ROLE \"{quoted}\"")).await.unwrap();
}

#[tokio::test]
async fn powerful_login_and_empty_password_are_rejected() {
    let database = fresh_database().await;
    let owner = config(&database.owner_url);
    for name in ["countersign_test_owner", "postgres"] {
        let refusal = store::provision_login(&owner, name, &SecretString::from("p"), Group::Application).await;
        assert!(matches!(refusal, Err(LoginError::Powerful(_))), "{name}: {refusal:?}");
    }
    let empty = store::provision_login(&owner, "operator", &SecretString::from(""), Group::Application).await;
    assert!(matches!(empty, Err(LoginError::Password)), "{empty:?}");
}

#[tokio::test]
async fn server_stores_a_verifier_not_the_password() {
    let database = fresh_database().await;
    let superuser = connect(&database.superuser_url).await;
    let login = config(&database.app_url);
    let sql = format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{}'", login.user());
    let stored: String = superuser.query_typed_one(&sql, &[]).await.unwrap().get(0);
    assert!(stored.starts_with("SCRAM-SHA-256$4096:"), "{stored}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrently_migrated_databases_share_their_roles() {
    let databases = futures::future::join_all((0..6).map(|_| empty_database())).await;
    let shared = format!("shared_{}", databases[0].name());
    let work = databases.iter().map(|database| async {
        let owner = config(&database.owner_url);
        store::migrate(&owner).await.unwrap();
        store::provision_login(&owner, &shared, &SecretString::from("p"), Group::Application)
            .await
            .unwrap();
    });
    futures::future::join_all(work).await;
    let server = connect(&databases[0].owner_url).await;
    server.batch_execute(&format!("DROP ROLE {shared}")).await.unwrap();
}
