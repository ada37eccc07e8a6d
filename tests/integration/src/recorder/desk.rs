//! A recorder in this process and its environment: the test moves its clock.

use std::sync::Arc;
use std::time::Duration;

use audit::Writer;
use doubles::Double;
use doubles::aws::{self, AwsDouble};
use doubles::clock::MovableClock;
use doubles::postgres::{TestDatabase, connect, fresh_database};
use jiff::SignedDuration;
use recorder::{Config, InvocationReport, Parts, RecordError, Recorder, RecorderRequest, RecorderResponse};
use runtime::Deadline;
use runtime::config::Environment;
use runtime::metrics::{self, Metrics};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::completeness::compare;
use super::producer::{Producer, noon};
use super::receiver::ReceiverDouble;

pub(super) const RETRY_QUEUE: &str = "http://127.0.0.1:9/000000000000/audit-retry";

/// The environment of a recorder.
pub(super) struct Desk {
    pub(super) database: TestDatabase,
    pub(super) auditor: Client,
    pub(super) superuser: Client,
    pub(super) aws: AwsDouble,
    pub(super) siem: ReceiverDouble,
    pub(super) clock: MovableClock,
}

/// One execution environment of the recorder.
pub(super) struct TestRecorder {
    pub(super) recorder: Recorder,
    pub(super) metrics: metrics::MetricMemory,
    clock: MovableClock,
}

impl Desk {
    pub(super) async fn new() -> Self {
        let database = fresh_database().await;
        let aws = aws::start().await;
        aws.put_secret("app", "AWSCURRENT", json!({"url": database.app_url}));
        aws.put_secret("owner", "AWSCURRENT", json!({"url": database.owner_url}));
        aws.put_secret("outbound", "AWSCURRENT", json!({"siem": {"bearer": "siem-token"}}));
        let server = url::Url::parse(&database.superuser_url).unwrap();
        let mut here = server.clone();
        here.set_path(database.name());
        Self {
            auditor: connect(&database.auditor_url).await,
            superuser: connect(here.as_str()).await,
            database,
            aws,
            siem: Double::start().await,
            clock: MovableClock::at(noon()),
        }
    }

    /// The variables of a recorder; later ones override earlier ones.
    pub(super) fn variables(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let endpoint = format!("{}/in", self.siem.url());
        let usual = [
            ("AWS_ENDPOINT_URL", self.aws.url()),
            ("DATABASE_SECRET_ID", "app".to_owned()),
            ("OUTBOUND_SECRET_ID", "outbound".to_owned()),
            ("AUDIT_RETRY_QUEUE_URL", RETRY_QUEUE.to_owned()),
            ("AUDIT_LOG_DESTINATION", "stdout,http".to_owned()),
            ("AUDIT_LOG_HTTP_ENDPOINT", endpoint),
        ];
        let usual = usual.map(|(name, value)| (name.to_owned(), value));
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        usual.into_iter().chain(more).collect()
    }

    /// An execution environment that forwards to the receiver.
    pub(super) fn recorder(&self) -> TestRecorder {
        self.recorder_with(&[])
    }

    pub(super) fn recorder_with(&self, more: &[(&str, &str)]) -> TestRecorder {
        let variables = self.variables(more);
        let aws = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "aws-secret-key"),
        ];
        let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut environment = Environment::from_pairs(variables.chain(aws));
        let config = Config::from_environment(&mut environment);
        environment.finish().unwrap();
        let clock: Arc<dyn model::Clock> = Arc::new(self.clock.clone());
        let (audit, lines) = Writer::memory("recorder", Arc::clone(&clock));
        let (metrics, measured) = Metrics::memory("recorder", Arc::clone(&clock));
        let parts = Parts {
            audit,
            lines,
            metrics,
            clock,
        };
        TestRecorder {
            recorder: Recorder::new(config, parts).unwrap(),
            metrics: measured,
            clock: self.clock.clone(),
        }
    }

    /// Every stored entry, in order of position.
    pub(super) async fn stored(&self) -> Vec<Value> {
        self.rows("SELECT entry::jsonb FROM audit_positions JOIN audit_events ON id = event_id ORDER BY position")
            .await
    }

    /// One JSON value for each row.
    pub(super) async fn rows(&self, sql: &str) -> Vec<Value> {
        let rows = self.auditor.query_typed(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub(super) async fn number(&self, sql: &str) -> i64 {
        self.auditor.query_typed(sql, &[]).await.unwrap()[0].get(0)
    }

    /// Everything that the receiver has accepted.
    pub(super) fn taken(&self) -> Vec<Value> {
        self.siem.world(|world| world.taken.clone())
    }

    /// Everything these printed is stored and has arrived at the receiver, each entry once by id and each stream in order.
    pub(super) async fn complete(&self, printed: &[&Producer]) {
        assert_eq!(compare(printed, &self.stored().await), Ok(()), "in the database");
        assert_eq!(compare(printed, &self.taken()), Ok(()), "at the receiver");
        let missing = "SELECT count(*) FROM generate_series(1, (SELECT last_position FROM audit_sequence)) AS place
            WHERE NOT EXISTS (SELECT FROM audit_positions WHERE position = place)";
        assert_eq!(self.number(missing).await, 0, "positions have no gap");
    }

    /// The server rejects connections to this database and ends existing ones.
    pub(super) async fn database_goes_down(&self) {
        self.allow_connections(false).await;
        self.database.disconnect_everybody().await;
    }

    /// The server accepts connections again.
    pub(super) async fn database_comes_back(&mut self) {
        self.allow_connections(true).await;
        self.auditor = connect(&self.database.auditor_url).await;
    }

    async fn allow_connections(&self, allow: bool) {
        let server = connect(&self.database.superuser_url).await;
        let sql = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {allow}", self.database.name());
        server.batch_execute(&sql).await.unwrap();
    }
}

impl TestRecorder {
    pub(super) async fn invoke(&self, event: Value) -> Result<RecorderResponse, RecordError> {
        self.within(event, SignedDuration::from_secs(60)).await
    }

    /// Invokes it with this timeout, which never runs out: the clock does not advance.
    pub(super) async fn within(&self, event: Value, time: SignedDuration) -> Result<RecorderResponse, RecordError> {
        let clock: Arc<dyn model::Clock> = Arc::new(self.clock.clone());
        let deadline = Deadline::new(clock.now().saturating_add(time).unwrap(), clock);
        let request: RecorderRequest = serde_json::from_value(event).unwrap();
        self.recorder.handle(request, &deadline).await
    }

    /// Processes a delivery of log lines.
    pub(super) async fn take(&self, event: Value) -> InvocationReport {
        match self.invoke(event).await.unwrap() {
            RecorderResponse::Done(report) => report,
            RecorderResponse::Messages(other) => panic!("{other:?}"),
        }
    }

    /// Runs the scheduled jobs.
    pub(super) async fn minute(&self) -> InvocationReport {
        self.take(json!({"jobs": ["sequence", "forward"]})).await
    }

    /// Processes messages of the retry queue; returns the ids of those to redeliver.
    pub(super) async fn messages(&self, event: Value) -> Vec<String> {
        match self.invoke(event).await.unwrap() {
            RecorderResponse::Messages(response) => {
                let failures = response.batch_item_failures.into_iter();
                failures.map(|failure| failure.item_identifier).collect()
            }
            RecorderResponse::Done(other) => panic!("{other:?}"),
        }
    }

    /// The values of a metric so far.
    pub(super) fn measured(&self, name: &str) -> Vec<u64> {
        let lines = self.metrics.lock().unwrap();
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter_map(|line| line[name].as_u64()).collect()
    }
}

/// Waits until a session waits for a lock in this database.
pub(super) async fn wait_for_lock_waiter(desk: &Desk) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waited = async {
        loop {
            let row = desk.superuser.query_typed(sql, &[]).await.unwrap().remove(0);
            if row.get::<_, i64>(0) > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited)
        .await
        .expect("no session waits for the lock");
}
