//! The audit search of a deployed stack: sends lines to Firehose, as a subscription would, and runs Athena queries.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Stack;

/// A row of a result, by column, without nulls.
pub(crate) type Row = BTreeMap<String, String>;

/// Maximum number of records per Firehose request
/// (<https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html>).
const BATCH: usize = 500;

impl Stack {
    /// Sends lines to a stream, one record each.
    ///
    /// # Panics
    /// If the stream rejects one.
    pub(crate) async fn put_records(&self, stream: &str, lines: &[String]) {
        for lines in lines.chunks(BATCH) {
            let records: Vec<_> = lines
                .iter()
                .map(|line| json!({"Data": STANDARD.encode(format!("{line}\n"))}))
                .collect();
            let ask = json!({"DeliveryStreamName": stream, "Records": records});
            let answer = self.aws("Firehose_20150804.PutRecordBatch", "firehose", &ask).await;
            assert_eq!(answer["FailedPutCount"], 0, "{answer}");
        }
    }

    /// Runs a query in a workgroup and waits until it ends.
    ///
    /// # Errors
    /// Athena's message for a failed query.
    ///
    /// # Panics
    /// If Athena does not answer.
    pub(crate) async fn athena(&self, workgroup: &str, database: &str, sql: &str) -> Result<Vec<Row>, String> {
        let ask = json!({"QueryString": sql, "WorkGroup": workgroup, "QueryExecutionContext": {"Database": database}});
        let begun = self.aws("AmazonAthena.StartQueryExecution", "athena", &ask).await;
        let id = json!({"QueryExecutionId": begun["QueryExecutionId"]});
        super::eventually(super::PATIENCE, "a query to end", async || {
            let execution = self.aws("AmazonAthena.GetQueryExecution", "athena", &id).await;
            let status = &execution["QueryExecution"]["Status"];
            match status["State"].as_str() {
                Some("SUCCEEDED") => Some(Ok(())),
                Some("FAILED" | "CANCELLED") => Some(Err(status["StateChangeReason"].to_string())),
                _ => None,
            }
        })
        .await?;
        let answer = self.aws("AmazonAthena.GetQueryResults", "athena", &id).await;
        let rows = answer["ResultSet"]["Rows"].as_array().cloned().unwrap_or_default();
        let cells = |row: &Value| -> Vec<Option<String>> {
            let cells = row["Data"].as_array().into_iter().flatten();
            cells
                .map(|cell| cell["VarCharValue"].as_str().map(str::to_owned))
                .collect()
        };
        // The first row is the heading.
        let heading: Vec<_> = rows
            .first()
            .map(cells)
            .unwrap_or_default()
            .into_iter()
            .flatten()
            .collect();
        let named = |row| {
            heading
                .iter()
                .cloned()
                .zip(cells(row))
                .filter_map(|(name, cell)| Some((name, cell?)))
        };
        Ok(rows.iter().skip(1).map(|row| named(row).collect()).collect())
    }
}
