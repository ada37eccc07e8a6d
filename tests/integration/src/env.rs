//! The environment of a test: a clock that the test moves, and the database and doubles that its builder is asked for.

mod builder;
mod evaluator;
mod functions;
mod receiver;
mod sample;

use doubles::aws::AwsDouble;
use doubles::clock::MovableClock;
use doubles::confluence::ConfluenceDouble;
use doubles::gitlab::GitLabDouble;
use doubles::jira::JiraDouble;
use doubles::linear::LinearDouble;
use doubles::postgres::{TestDatabase, connect};
use doubles::slack::SlackDouble;
use jiff::Timestamp;
use model::Clock as _;
use tokio::sync::OnceCell;
use tokio_postgres::Client;
use tokio_postgres::types::FromSqlOwned;
use url::Url;

pub(crate) use builder::Builder;
use evaluator::Evaluator;
pub(crate) use functions::{AUDIT_RETRY_QUEUE, DELIVERIES_QUEUE, WEBHOOK_SECRET};
use receiver::ReceiverDouble;
pub(crate) use sample::{ALICE, AUTHOR, HIGH, OUTSIDER, PROJECT, api_path, at, envelope, key};

/// What runs around the code under test. An accessor panics if the builder was not asked for its part.
pub(crate) struct TestEnv {
    pub(crate) clock: MovableClock,
    database: Option<Database>,
    evaluator: Option<Evaluator>,
    gitlab: Option<GitLabDouble>,
    slack: Option<SlackDouble>,
    aws: Option<AwsDouble>,
    linear: Option<LinearDouble>,
    jira: Option<JiraDouble>,
    confluence: Option<ConfluenceDouble>,
    siem: Option<ReceiverDouble>,
    rules_path: &'static str,
}

/// A database of this test, with connections.
struct Database {
    logins: TestDatabase,
    auditor: Client,
    owner: OnceCell<Client>,
    superuser: OnceCell<Client>,
}

impl TestEnv {
    pub(crate) fn builder() -> Builder {
        Builder::default()
    }

    /// A database, GitLab, and an evaluator with the tests' rules.
    pub(crate) async fn with_evaluator() -> Self {
        Self::builder().gitlab().database().build().await
    }

    /// The same with these rules.
    pub(crate) async fn with_rules(rules: &str) -> Self {
        let rules = rules::Rules::parse(rules).unwrap();
        Self::builder().gitlab().database().rules(rules).build().await
    }

    /// An evaluator, and what the functions need: Slack and AWS.
    pub(crate) async fn with_functions() -> Self {
        Self::builder().gitlab().slack().aws().database().build().await
    }

    pub(crate) fn database(&self) -> &TestDatabase {
        &part(self.database.as_ref()).logins
    }

    /// A connection as the auditor.
    pub(crate) fn auditor(&self) -> &Client {
        &part(self.database.as_ref()).auditor
    }

    /// A connection as the owner of the schema.
    pub(crate) async fn owner(&self) -> &Client {
        let Database { logins, owner, .. } = part(self.database.as_ref());
        owner.get_or_init(|| connect(&logins.owner_url)).await
    }

    /// A connection as the server's superuser.
    pub(crate) async fn superuser(&self) -> &Client {
        let Database { logins, superuser, .. } = part(self.database.as_ref());
        let mut url = Url::parse(&logins.superuser_url).unwrap();
        url.set_path(logins.name());
        superuser
            .get_or_init(|| async move { connect(url.as_str()).await })
            .await
    }

    /// Connects the auditor again.
    pub(crate) async fn reconnect(&mut self) {
        let auditor = connect(&self.database().auditor_url).await;
        self.database.as_mut().unwrap().auditor = auditor;
    }

    /// Executes statements as the owner.
    pub(crate) async fn as_owner(&self, sql: &str) {
        self.owner().await.batch_execute(sql).await.unwrap();
    }

    /// The first column of a query's rows, as the auditor sees them.
    pub(crate) async fn column<T: FromSqlOwned>(&self, sql: &str) -> Vec<T> {
        let rows = self.auditor().query_typed(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The first column of the first row.
    pub(crate) async fn value<T: FromSqlOwned>(&self, sql: &str) -> T {
        self.column(sql).await.swap_remove(0)
    }

    pub(crate) fn gitlab(&self) -> &GitLabDouble {
        part(self.gitlab.as_ref())
    }

    pub(crate) fn slack(&self) -> &SlackDouble {
        part(self.slack.as_ref())
    }

    pub(crate) fn aws(&self) -> &AwsDouble {
        part(self.aws.as_ref())
    }

    pub(crate) fn linear(&self) -> &LinearDouble {
        part(self.linear.as_ref())
    }

    pub(crate) fn jira(&self) -> &JiraDouble {
        part(self.jira.as_ref())
    }

    pub(crate) fn confluence(&self) -> &ConfluenceDouble {
        part(self.confluence.as_ref())
    }

    pub(crate) fn siem(&self) -> &ReceiverDouble {
        part(self.siem.as_ref())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

#[track_caller]
fn part<T>(part: Option<&T>) -> &T {
    part.expect("a part that the builder was asked for")
}
