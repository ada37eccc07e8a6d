//! The application that evaluates deliveries, with the environment's database, GitLab and clock.

use std::sync::Arc;

use app::{App, GitLabCredentials, Instances};
use audit::{Memory, Writer};
use clients::http::{Http, Options};
use doubles::clock::MovableClock;
use doubles::gitlab::GitLabDouble;
use doubles::postgres::TestDatabase;
use model::Clock;
use rules::Rules;
use serde_json::Value;

use super::{TestEnv, part};

/// An execution environment of the application.
pub(super) struct Evaluator {
    app: Arc<App>,
    audit: Memory,
    rules: Arc<Rules>,
}

impl Evaluator {
    pub(super) fn new(database: &TestDatabase, gitlab: &GitLabDouble, clock: &MovableClock, rules: Arc<Rules>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock.clone());
        let (writer, audit) = Writer::memory("test", Arc::clone(&clock));
        let http = Http::new(&Options::default(), writer.clone(), Arc::clone(&clock)).unwrap();
        let credentials = ["main", "acquired"].map(|instance| {
            let token = "glpat-test".into();
            (instance.to_owned(), GitLabCredentials { token })
        });
        let instances = Instances::new(&http, &rules, &credentials.into(), Some(&gitlab.url()));
        let store = Arc::new(database.store());
        Self {
            app: Arc::new(App::new(store, Arc::clone(&rules), instances, clock, writer)),
            audit,
            rules,
        }
    }
}

impl TestEnv {
    pub(crate) fn app(&self) -> &Arc<App> {
        &part(self.evaluator.as_ref()).app
    }

    /// A second execution environment with the same database.
    pub(crate) fn another_app(&self) -> Arc<App> {
        let rules = Arc::clone(&part(self.evaluator.as_ref()).rules);
        Evaluator::new(self.database(), self.gitlab(), &self.clock, rules).app
    }

    /// The same with an event for each ledger row.
    pub(crate) fn app_with_event_bus(&self, name: &str) -> App {
        let app = Arc::into_inner(self.another_app()).unwrap();
        app.with_event_bus(Some(name.to_owned()))
    }

    /// The evaluator's audit entries of one action so far.
    pub(crate) fn entries(&self, action: &str) -> Vec<Value> {
        let mut entries = part(self.evaluator.as_ref()).audit.entries();
        entries.retain(|entry| entry["action"] == action);
        entries
    }
}
