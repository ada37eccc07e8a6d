//! TLS to the database: full verification, or no connection.

use std::net::SocketAddr;

use doubles::postgres::{TestDatabase, fresh_database};
use secrecy::SecretString;
use store::{DatabaseConfig, Store, StoreError};
use url::Url;

use super::tls_proxy::{self, Authority};

/// The application's URL through the proxy at `port`, by the given host name.
fn url(database: &TestDatabase, host: &str, port: u16, ssl_mode: &str) -> String {
    let mut url = Url::parse(&database.app_url).unwrap();
    url.set_host(Some(host)).unwrap();
    url.set_port(Some(port)).unwrap();
    url.set_query(Some(&format!("sslmode={ssl_mode}")));
    url.to_string()
}

fn server(database: &TestDatabase) -> SocketAddr {
    let url = Url::parse(&database.app_url).unwrap();
    url.socket_addrs(|| Some(5432)).unwrap()[0]
}

fn store(secret: &serde_json::Value) -> Store {
    Store::new(
        DatabaseConfig::from_secret(
            &SecretString::from(secret.to_string()),
            &store::DatabaseAddress::default(),
        )
        .unwrap(),
    )
    .unwrap()
}

#[tokio::test]
async fn certificate_of_configured_authority_is_accepted() {
    let database = fresh_database().await;
    let authority = Authority::new();
    let port = tls_proxy::start(server(&database), &authority, "localhost").await;
    for ssl_mode in ["require", "verify-ca", "verify-full"] {
        let url = url(&database, "localhost", port, ssl_mode);
        let secret = serde_json::json!({ "url": url, "ca_pem": authority.pem() });
        store(&secret)
            .check_schema()
            .await
            .unwrap_or_else(|error| panic!("{ssl_mode}: {error}"));
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let database = fresh_database().await;
    let port = tls_proxy::start(server(&database), &Authority::new(), "localhost").await;
    let url = url(&database, "localhost", port, "require");
    let another = serde_json::json!({ "url": url, "ca_pem": Authority::new().pem() });
    let public_only = serde_json::json!({ "url": url });
    for secret in [another, public_only] {
        let error = store(&secret).connect().await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Unavailable(text) if text.contains("UnknownIssuer")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn certificate_for_another_name_is_always_rejected() {
    let database = fresh_database().await;
    let authority = Authority::new();
    let port = tls_proxy::start(server(&database), &authority, "database.example").await;
    for ssl_mode in ["require", "verify-ca"] {
        let url = url(&database, "localhost", port, ssl_mode);
        let secret = serde_json::json!({ "url": url, "ca_pem": authority.pem() });
        let error = store(&secret).connect().await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Unavailable(text) if text.contains("not valid for name")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn server_without_tls_is_rejected_when_required() {
    let database = fresh_database().await;
    let plain = server(&database).port();
    let offers_tls = {
        let url = url(&database, "127.0.0.1", plain, "require");
        store(&serde_json::json!({ "url": url })).connect().await
    };
    // A server with TLS shows an untrusted certificate; one without rejects TLS. Neither gets the password.
    assert!(matches!(offers_tls, Err(StoreError::Unavailable(_))), "{offers_tls:?}");
}

#[tokio::test]
async fn remote_database_gets_tls_without_being_required() {
    let database = fresh_database().await;
    let authority = Authority::new();
    let port = tls_proxy::start(server(&database), &authority, "database.example").await;
    // The name decides; the address is the test's server. `prefer` would allow clear text elsewhere.
    let mut address = Url::parse(&url(&database, "database.example", port, "prefer")).unwrap();
    address.query_pairs_mut().append_pair("hostaddr", "127.0.0.1");
    let secret = serde_json::json!({ "url": address.as_str(), "ca_pem": authority.pem() });
    store(&secret).connect().await.unwrap();

    // The proxy does not answer in clear, so success means TLS; without the authority nothing succeeds.
    let error = store(&serde_json::json!({ "url": address.as_str() }))
        .connect()
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}
