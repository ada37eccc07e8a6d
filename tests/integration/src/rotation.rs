//! Rotation of the application's database login by the maintenance function, step by step as Secrets Manager requests it.

use doubles::aws::AwsDouble;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use store::{DatabaseConfig, Store};
use url::Url;

use crate::env::TestEnv;
use crate::function::Function;

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

struct Login {
    username: String,
    password: String,
}

impl Login {
    /// The login under a stage of the secret.
    fn at(aws: &AwsDouble, stage: &str) -> Self {
        let value = aws.secret("app", stage).expect("a value");
        let fields: Value = value
            .as_str()
            .map_or(value.clone(), |text| serde_json::from_str(text).unwrap());
        let text = |name: &str| fields[name].as_str().unwrap().to_owned();
        Self {
            username: text("username"),
            password: text("password"),
        }
    }

    async fn works(&self, url: &Url) -> bool {
        let mut url = url.clone();
        url.set_username(&self.username).unwrap();
        url.set_password(Some(&self.password)).unwrap();
        let config = DatabaseConfig::from_url(&SecretString::from(url.to_string())).unwrap();
        Store::new(config).unwrap().check_schema().await.is_ok()
    }
}

/// The environment, its database's address, and a maintenance function whose secret holds only a login.
async fn begun() -> (TestEnv, Url, Function) {
    let env = TestEnv::with_functions().await;
    let url = Url::parse(&env.database().app_url).unwrap();
    env.aws().put_secret("app", "AWSCURRENT", login(&url));
    let port = url.port().unwrap().to_string();
    let variables = [
        ("DATABASE_HOST", url.host_str().unwrap()),
        ("DATABASE_PORT", port.as_str()),
        ("DATABASE_NAME", url.path().trim_start_matches('/')),
        ("METRICS_NAMESPACE", "Countersign/here"),
    ];
    let maintenance = env.function_with("maintenance", &variables).await;
    (env, url, maintenance)
}

/// The login of an address, as a secret.
fn login(url: &Url) -> Value {
    let config = DatabaseConfig::from_url(&SecretString::from(url.to_string())).unwrap();
    let password = config.password().unwrap().expose_secret();
    json!({"engine": "postgres", "username": config.user(), "password": password})
}

fn step(step: &str, version: &str) -> Value {
    json!({"Step": step, "SecretId": "app", "ClientRequestToken": version, "RotationToken": "unused"})
}

#[tokio::test]
async fn login_rotation_refuses_no_login_in_use() {
    let (env, url, maintenance) = begun().await;
    let first = Login::at(env.aws(), "AWSCURRENT");
    assert!(first.works(&url).await);
    env.aws().begin_rotation("app", "version-1");
    for name in STEPS {
        // Secrets Manager repeats uncertain steps.
        for _ in 0..2 {
            maintenance.invoke(step(name, "version-1")).await;
            assert!(first.works(&url).await, "the current login is rejected after {name}");
        }
    }
    let second = Login::at(env.aws(), "AWSCURRENT");
    assert_eq!(second.username, format!("{}_b", first.username));
    assert!(
        second.works(&url).await && first.works(&url).await,
        "the one before still works"
    );
    let previous = Login::at(env.aws(), "AWSPREVIOUS");
    assert_eq!(previous.password, first.password);

    env.aws().begin_rotation("app", "version-2");
    for name in STEPS {
        maintenance.invoke(step(name, "version-2")).await;
        assert!(second.works(&url).await, "the current login is rejected after {name}");
    }
    let third = Login::at(env.aws(), "AWSCURRENT");
    assert_eq!(third.username, first.username, "two logins take turns");
    assert!(third.works(&url).await && second.works(&url).await);
    assert!(
        !first.works(&url).await,
        "a password ends with the second rotation after it"
    );

    for (action, times) in [
        ("secretsmanager.api.describe_secret", 12),
        ("secretsmanager.api.put_secret_value", 2),
        ("secretsmanager.api.update_secret_version_stage", 2),
    ] {
        let entries = maintenance.entries(action, times);
        assert_eq!(entries.len(), times, "{action}");
        let shown = format!("{entries:?}");
        for login in [&first, &second, &third] {
            assert!(!shown.contains(&login.password), "{action}");
        }
    }
}

#[tokio::test]
async fn rotation_trial_tests_the_current_login() {
    let (env, url, maintenance) = begun().await;
    env.aws().begin_rotation("app", "trial");
    maintenance.invoke(step("testSecret", "trial")).await;
    assert_eq!(env.aws().secret("app", "AWSPENDING"), None);
    let wrong = json!({"username": url.username(), "password": "wrong"});
    env.aws().put_secret("app", "AWSCURRENT", wrong);
    maintenance.fails(step("testSecret", "trial")).await;
    let lines = maintenance.lines(2, |line| line["login_rotation_failed"].is_u64());
    let failed: Vec<_> = lines
        .iter()
        .map(|line| line["login_rotation_failed"].as_u64())
        .collect();
    assert_eq!(failed, [Some(0), Some(1)]);
    let metrics = maintenance.lines(2, |line| line["_aws"].is_object());
    for metric in metrics {
        assert_eq!(metric["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Countersign/here");
    }
}

#[tokio::test]
async fn new_login_is_tested_at_the_server_itself() {
    let env = TestEnv::with_functions().await;
    let url = Url::parse(&env.database().app_url).unwrap();
    env.aws().put_secret("app", "AWSCURRENT", login(&url));
    let port = url.port().unwrap().to_string();
    let variables = [
        // Nothing listens there.
        ("DATABASE_HOST", "127.0.0.2"),
        ("DATABASE_OWNER_HOST", url.host_str().unwrap()),
        ("DATABASE_PORT", port.as_str()),
        ("DATABASE_NAME", url.path().trim_start_matches('/')),
    ];
    let maintenance = env.function_with("maintenance", &variables).await;
    env.aws().begin_rotation("app", "version-1");
    for name in STEPS {
        maintenance.invoke(step(name, "version-1")).await;
    }
    assert!(Login::at(env.aws(), "AWSCURRENT").works(&url).await);
}

#[tokio::test]
async fn impossible_rotation_is_explained_and_changes_nothing() {
    let (env, url, maintenance) = begun().await;
    let current = Login::at(env.aws(), "AWSCURRENT");
    let foreign = json!({"Step": "createSecret", "SecretId": "owner", "ClientRequestToken": "version-1"});
    let error = maintenance.fails(foreign).await;
    assert!(
        error.contains("rotates only the application's database secret, not owner"),
        "{error}"
    );
    let error = maintenance.fails(step("createSecret", "version-1")).await;
    assert!(error.contains("start the rotation again"), "{error}");
    env.aws().put_secret("app", "AWSCURRENT", json!({"url": url.as_str()}));
    env.aws().begin_rotation("app", "version-1");
    let error = maintenance.fails(step("createSecret", "version-1")).await;
    assert!(error.contains("AWSCURRENT") && error.contains("by hand"), "{error}");
    assert!(current.works(&url).await);
    assert_eq!(env.aws().secret("app", "AWSPENDING"), None);
}

#[tokio::test]
async fn changed_owner_login_is_used_immediately() {
    let (env, url, maintenance) = begun().await;
    let owner = env.aws().secret("owner", "AWSCURRENT").unwrap();
    let mut outdated = Url::parse(owner["url"].as_str().unwrap()).unwrap();
    outdated.set_username("countersign_outdated").unwrap();
    env.aws()
        .put_secret("owner", "AWSCURRENT", json!({"url": outdated.as_str()}));
    env.aws().begin_rotation("app", "version-1");
    maintenance.invoke(step("createSecret", "version-1")).await;
    maintenance.fails(step("setSecret", "version-1")).await;
    env.aws().put_secret("owner", "AWSCURRENT", owner);
    for name in &STEPS[1..] {
        maintenance.invoke(step(name, "version-1")).await;
    }
    assert!(Login::at(env.aws(), "AWSCURRENT").works(&url).await);
}
