use super::*;

fn parse_secret(secret: &str) -> Result<DatabaseConfig, StoreConfigError> {
    DatabaseConfig::from_secret(&SecretString::from(secret), &DatabaseAddress::default())
}

fn read_url(url: &str) -> Result<DatabaseConfig, StoreConfigError> {
    DatabaseConfig::from_url(&SecretString::from(url))
}

/// The driver's settings: host, port, database, user, password.
fn parts(config: &DatabaseConfig) -> (Host, u16, String, String, Option<String>) {
    let password = config.password().map(|password| password.expose_secret().to_owned());
    (
        config.host.clone(),
        config.port,
        config.database.clone(),
        config.user.clone(),
        password,
    )
}

fn tcp(name: &str) -> Host {
    Host::Tcp(name.to_owned())
}

#[test]
fn both_secret_forms_name_the_same_database() {
    let url = parse_secret(r#"{"url": "postgres://app:p%40ss%2F%3F@db.example:6543/countersign"}"#).unwrap();
    let rds = parse_secret(
        r#"{"engine": "postgres", "username": "app", "password": "p@ss/?", "host": "db.example", "port": 6543,
            "dbname": "countersign", "dbInstanceIdentifier": "x"}"#,
    )
    .unwrap();
    assert_eq!(parts(&url), parts(&rds));
    let expected = (
        tcp("db.example"),
        6543,
        "countersign".to_owned(),
        "app".to_owned(),
        Some("p@ss/?".to_owned()),
    );
    assert_eq!(parts(&url), expected);
    assert!(url.uses_tls() && rds.uses_tls());
}

#[test]
fn login_only_secret_takes_rest_from_address() {
    let address = DatabaseAddress {
        host: Some("db.example".to_owned()),
        port: Some(6543),
        database: Some("countersign".to_owned()),
    };
    let with_address = |secret: &str| DatabaseConfig::from_secret(&SecretString::from(secret), &address).unwrap();
    let login = with_address(r#"{"username": "app", "password": "p"}"#);
    let (host, port, database, user, _) = parts(&login);
    assert_eq!(
        (host, port, database.as_str(), user.as_str()),
        (tcp("db.example"), 6543, "countersign", "app")
    );
    assert!(login.uses_tls());
    let whole =
        with_address(r#"{"username": "app", "password": "p", "host": "other.example", "port": 5433, "dbname": "own"}"#);
    let (host, port, database, ..) = parts(&whole);
    assert_eq!(
        (host, port, database.as_str()),
        (tcp("other.example"), 5433, "own"),
        "the secret goes first"
    );
}

#[test]
fn a_port_may_be_text_or_absent() {
    for (port, expected) in [(r#""port": "5433","#, 5433), ("", 5432)] {
        let secret =
            format!(r#"{{{port} "username": "app", "password": "p", "host": "db.example", "dbname": "countersign"}}"#);
        assert_eq!(parse_secret(&secret).unwrap().port, expected);
    }
}

#[test]
fn tls_is_used_except_for_local_databases() {
    let cases = [
        ("postgres://a@db.example/d", true),
        ("postgres://a@db.example/d?sslmode=prefer", true),
        ("postgres://a@db.example/d?sslmode=allow", true),
        ("postgres://a@db.example/d?sslmode=require", true),
        (
            "postgresql://a@10.0.0.1/d?connect_timeout=3&sslmode=verify-full&sslrootcert=system",
            true,
        ),
        ("postgres://a@localhost.example/d", true),
        ("postgres://a@localhost/d?hostaddr=10.0.0.1", true),
        ("postgres://a@localhost/d", false),
        ("postgres://a@127.0.0.1/d?sslmode=disable", false),
        ("postgres://a@127.8.0.1/d?sslmode=prefer", false),
        ("postgres://a@%2Fvar%2Frun%2Fpostgresql/d", false),
        ("postgres://a@localhost/d?sslmode=require", true),
        ("postgres://a@127.0.0.1/d?sslmode=verify-full", true),
    ];
    for (url, tls) in cases {
        assert_eq!(read_url(url).unwrap().uses_tls(), tls, "{url}");
    }
}

#[test]
fn unusable_url_is_refused_with_the_reason() {
    let cases = [
        ("postgres://a@db.example/d?sslmode=disable", StoreConfigError::ClearText),
        (
            "postgres://a@localhost/d?sslmode=disable&hostaddr=10.0.0.1",
            StoreConfigError::ClearText,
        ),
        ("postgres://a@db.example/d?sslmode=maybe", StoreConfigError::SslMode),
        (
            "postgres://a@db.example/d?sslrootcert=/etc/ca.pem",
            StoreConfigError::RootCertificateFile,
        ),
        ("postgres://a@one,two/d", StoreConfigError::SeveralHosts),
        ("postgres:///d?user=a", StoreConfigError::UrlLacks("host")),
        ("postgres://db.example/d", StoreConfigError::UrlLacks("user")),
        ("postgres://a@db.example", StoreConfigError::UrlLacks("database")),
        ("mysql://a@db.example/d", StoreConfigError::Url),
        ("host=db.example user=a dbname=d", StoreConfigError::Url),
        ("postgres://a:p@ss/word@db.example/d", StoreConfigError::Url),
        ("postgres://a:pass?word=1@db.example/d", StoreConfigError::Url),
        ("", StoreConfigError::Url),
    ];
    for (url, expected) in cases {
        assert_eq!(read_url(url).map(|_| ()), Err(expected), "{url}");
    }
}

#[test]
fn a_secret_that_lacks_something_says_what() {
    let cases = [
        ("", StoreConfigError::NotAnObject),
        ("postgres://a@db.example/d", StoreConfigError::NotAnObject),
        ("[]", StoreConfigError::NotAnObject),
        ("{}", StoreConfigError::Missing("host")),
        (
            r#"{"url": null, "host": "h", "dbname": "", "username": "a", "password": "p"}"#,
            StoreConfigError::Missing("dbname"),
        ),
        (
            r#"{"host": "h", "dbname": "d", "username": "a"}"#,
            StoreConfigError::Missing("password"),
        ),
        (
            r#"{"host": "h", "dbname": "d", "username": "a", "password": "p", "port": 70000}"#,
            StoreConfigError::Missing("port"),
        ),
        (
            r#"{"url": "postgres://a@h/d", "ca_pem": "not a certificate"}"#,
            StoreConfigError::CaPem,
        ),
    ];
    for (secret, expected) in cases {
        assert_eq!(parse_secret(secret).map(|_| ()), Err(expected), "{secret}");
    }
}

#[test]
fn nothing_prints_the_password() {
    let config = read_url("postgres://app:hunter2@db.example/countersign").unwrap();
    let debug = format!("{config:?}");
    assert!(!debug.contains("hunter2") && debug.contains("db.example"), "{debug}");
    for url in [
        "postgres://app:hunter2@db.example:port/d",
        "postgres://app:hunt?er2=1@db.example/d",
    ] {
        let refusal = read_url(url).unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("er2"), "{refusal}");
    }
}
