//! The audit search of a deployed stack: lines into Firehose, as a subscription would put them, and questions to Athena.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Stack;

/// A row of an answer, by column; a null is left out.
pub type Row = BTreeMap<String, String>;

/// Firehose takes no more records at once
/// (<https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html>).
const BATCH: usize = 500;

impl Stack {
    /// Puts lines into a stream, each a record.
    ///
    /// # Panics
    /// If the stream refuses one.
    pub async fn put_records(&self, stream: &str, lines: &[String]) {
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

    /// Runs a query in a workgroup and waits for its end.
    ///
    /// # Errors
    /// What Athena says of a query that failed.
    ///
    /// # Panics
    /// If Athena does not answer.
    pub async fn athena(&self, workgroup: &str, database: &str, sql: &str) -> Result<Vec<Row>, String> {
        let ask = json!({"QueryString": sql, "WorkGroup": workgroup, "QueryExecutionContext": {"Database": database}});
        let begun = self.aws("AmazonAthena.StartQueryExecution", "athena", &ask).await;
        let id = json!({"QueryExecutionId": begun["QueryExecutionId"]});
        super::eventually(super::PATIENCE, "a query to end", async || {
            let told = self.aws("AmazonAthena.GetQueryExecution", "athena", &id).await;
            let status = &told["QueryExecution"]["Status"];
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
