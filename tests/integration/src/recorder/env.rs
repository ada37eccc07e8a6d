//! A recorder in this process and what is around it: the test moves its clock.

use std::sync::Arc;
use std::time::Duration;

use audit::Writer;
use doubles::clock::MovableClock;
use doubles::postgres::connect;
use jiff::SignedDuration;
use recorder::{Config, InvocationReport, Parts, RecordError, Recorder, RecorderRequest, RecorderResponse};
use runtime::Deadline;
use runtime::config::Environment;
use runtime::metrics::{self, Metrics};
use serde_json::{Value, json};

use super::completeness::compare;
use super::producer::Producer;
use crate::env::TestEnv;

/// One execution environment of the recorder.
pub(super) struct RecorderInstance {
    pub(super) recorder: Recorder,
    pub(super) metrics: metrics::MetricMemory,
    clock: MovableClock,
}

impl TestEnv {
    /// What a recorder needs, at `start_time`.
    pub(super) async fn with_recorder() -> Self {
        let builder = Self::builder().aws().siem().database();
        let env = builder.clock_at("12:00:00").build().await;
        env.put_outbound_secret(json!({"siem": {"bearer": "siem-token"}}));
        env
    }

    /// An execution environment that forwards to the receiver.
    pub(super) fn recorder(&self) -> RecorderInstance {
        self.recorder_with(&[])
    }

    pub(super) fn recorder_with(&self, more: &[(&str, &str)]) -> RecorderInstance {
        let variables = self.variables();
        let aws = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "aws-secret-key"),
        ];
        let variables = variables.iter().map(|(name, value)| (*name, value.as_str()));
        let mut environment = Environment::from_pairs(variables.chain(aws).chain(more.iter().copied()));
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
        RecorderInstance {
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
        self.column(sql).await
    }

    pub(super) async fn as_superuser(&self, sql: &str) {
        self.superuser().await.batch_execute(sql).await.unwrap();
    }

    /// Everything that the receiver has accepted.
    pub(super) fn taken(&self) -> Vec<Value> {
        self.siem().world(|world| world.taken.clone())
    }

    /// Everything these printed is stored and has arrived at the receiver, each entry once by id and each stream in order.
    pub(super) async fn complete(&self, printed: &[&Producer]) {
        assert_eq!(compare(printed, &self.stored().await), Ok(()), "in the database");
        assert_eq!(compare(printed, &self.taken()), Ok(()), "at the receiver");
        let missing = "SELECT count(*) FROM generate_series(1, (SELECT last_position FROM audit_sequence)) AS place
            WHERE NOT EXISTS (SELECT FROM audit_positions WHERE position = place)";
        assert_eq!(self.value::<i64>(missing).await, 0, "positions have no gap");
    }

    /// The server rejects connections to this database and ends existing ones.
    pub(super) async fn database_goes_down(&self) {
        self.allow_connections(false).await;
        self.database().disconnect_everybody().await;
    }

    /// The server accepts connections again.
    pub(super) async fn database_comes_back(&mut self) {
        self.allow_connections(true).await;
        self.reconnect().await;
    }

    async fn allow_connections(&self, allow: bool) {
        let server = connect(&self.database().superuser_url).await;
        let sql = format!(
            "ALTER DATABASE {} WITH ALLOW_CONNECTIONS {allow}",
            self.database().name()
        );
        server.batch_execute(&sql).await.unwrap();
    }
}

impl RecorderInstance {
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
pub(super) async fn wait_for_lock_waiter(env: &TestEnv) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waited = async {
        loop {
            let row = env.superuser().await.query_typed(sql, &[]).await.unwrap().remove(0);
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
