//! Starts the parts of an environment.

use std::sync::Arc;

use doubles::clock::MovableClock;
use doubles::postgres::{TestDatabase, connect, fresh_database};
use doubles::{Double, System};
use jiff::Timestamp;
use rules::Rules;
use serde_json::json;
use tokio::sync::OnceCell;

use super::evaluator::Evaluator;
use super::{Database, TestEnv, at};

/// The tests' rules.
const RULES: &str = include_str!("../rules.yaml");
const RULES_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules.yaml");

#[derive(Default)]
pub(crate) struct Builder {
    doubles: Vec<Wanted>,
    database: Option<Source>,
    clock: Option<Timestamp>,
    rules: Option<Rules>,
    rules_path: Option<&'static str>,
}

#[derive(PartialEq)]
enum Wanted {
    GitLab,
    Slack,
    Aws,
    Connectors,
    Siem,
}

/// The origin of the database.
enum Source {
    Fresh,
    Given(TestDatabase),
}

impl Builder {
    pub(crate) fn gitlab(self) -> Self {
        self.with(Wanted::GitLab)
    }

    pub(crate) fn slack(self) -> Self {
        self.with(Wanted::Slack)
    }

    /// SQS, Secrets Manager and EventBridge, with the functions' secrets.
    pub(crate) fn aws(self) -> Self {
        self.with(Wanted::Aws)
    }

    /// Linear, Jira and Confluence.
    pub(crate) fn connectors(self) -> Self {
        self.with(Wanted::Connectors)
    }

    /// A receiver of audit entries.
    pub(crate) fn siem(self) -> Self {
        self.with(Wanted::Siem)
    }

    /// A time on the day of the merge instead of two seconds after it.
    pub(crate) fn clock_at(mut self, time: &str) -> Self {
        self.clock = Some(at(time));
        self
    }

    /// A migrated database with all logins.
    pub(crate) fn database(mut self) -> Self {
        self.database = Some(Source::Fresh);
        self
    }

    /// This database, which already has its logins.
    pub(crate) fn on(mut self, database: TestDatabase) -> Self {
        self.database = Some(Source::Given(database));
        self
    }

    /// The evaluator's rules.
    pub(crate) fn rules(mut self, rules: Rules) -> Self {
        self.rules = Some(rules);
        self
    }

    /// The functions' rules file.
    pub(crate) fn rules_path(mut self, path: &'static str) -> Self {
        self.rules_path = Some(path);
        self
    }

    fn with(mut self, double: Wanted) -> Self {
        self.doubles.push(double);
        self
    }

    pub(crate) async fn build(self) -> TestEnv {
        let clock = MovableClock::at(self.clock.unwrap_or_else(|| at("12:00:02")));
        let gitlab = double(self.doubles.contains(&Wanted::GitLab)).await;
        let database = match self.database {
            Some(Source::Fresh) => Some(Database::open(fresh_database().await).await),
            Some(Source::Given(database)) => Some(Database::open(database).await),
            None => None,
        };
        let evaluator = gitlab.as_ref().zip(database.as_ref()).map(|(gitlab, database)| {
            let rules = self.rules.unwrap_or_else(|| Rules::parse(RULES).unwrap());
            Evaluator::new(&database.logins, gitlab, &clock, Arc::new(rules))
        });
        let connectors = self.doubles.contains(&Wanted::Connectors);
        let env = TestEnv {
            clock,
            evaluator,
            gitlab,
            slack: double(self.doubles.contains(&Wanted::Slack)).await,
            aws: double(self.doubles.contains(&Wanted::Aws)).await,
            linear: double(connectors).await,
            jira: double(connectors).await,
            confluence: double(connectors).await,
            siem: double(self.doubles.contains(&Wanted::Siem)).await,
            rules_path: self.rules_path.unwrap_or(RULES_PATH),
            database,
        };
        env.put_secrets();
        env
    }
}

impl Database {
    async fn open(logins: TestDatabase) -> Self {
        Self {
            auditor: connect(&logins.auditor_url).await,
            owner: OnceCell::new(),
            superuser: OnceCell::new(),
            logins,
        }
    }
}

impl TestEnv {
    /// The functions' secrets.
    fn put_secrets(&self) {
        let Some(aws) = &self.aws else { return };
        if let Some(Database { logins, .. }) = &self.database {
            for (id, url) in [("app", &logins.app_url), ("owner", &logins.owner_url)] {
                aws.put_secret(id, "AWSCURRENT", json!({"url": url}));
            }
        }
        self.put_slack_token("xoxb-first");
    }
}

async fn double<S: System>(wanted: bool) -> Option<Double<S>> {
    if wanted { Some(Double::start().await) } else { None }
}
