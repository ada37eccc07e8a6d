//! Entries of other services, as the webhook function has validated them.

use audit::line_schema::ParsedEntry;
use audit::{Context, Sink as _, Stdout, digest_uuid};
use inbound::producer::{InletMessage, UnreadableLines};
use model::AuditLine;
use runtime::batch::{BatchError, Message};
use store::AuditBatch;

use crate::Recorder;
use crate::ingest::lines::{kept, sorted_lines};

impl Recorder {
    /// Lines of one request. While the database is down, SQS redelivers the message.
    pub(crate) async fn producer_message(&self, context: &Context, message: &Message) -> Result<(), BatchError> {
        // Only the webhook function writes to this queue. A message of a later version is left for a function that can read it.
        let inlet: InletMessage = serde_json::from_str(&message.body)
            .map_err(|error| BatchError::new(format!("message does not contain entries: {:?}", error.classify())))?;
        if inlet.version != InletMessage::VERSION {
            let (found, known) = (inlet.version, InletMessage::VERSION);
            return Err(BatchError::new(format!(
                "unsupported inlet version {found}; this function supports {known}"
            )));
        }
        let batch = producer_batch(&inlet, &message.body);
        let (_, stored) = self.record_batch(context, &batch).await?;
        // No function has printed them yet, and what is searched in CloudWatch and Athena comes from standard output. A message that
        // arrives again may have been stored by a run that ended before it printed.
        let is_again = message.receive_count > 1;
        for entry in &batch.entries {
            let is_stored = (is_again || stored.new.contains(&entry.id)) && !stored.refused.contains(&entry.id);
            if is_stored {
                Stdout.put(format!("{}\n", entry.line).as_bytes());
            }
        }
        Ok(())
    }
}

/// The batch of a message. Lines that cannot be unpacked are quarantined as they came.
fn producer_batch(inlet: &InletMessage, body: &str) -> AuditBatch {
    let source = format!("producer/{}", inlet.producer);
    match inlet.unpacked_lines() {
        Ok(lines) => {
            let mut batch = sorted_lines(&source, &lines);
            for entry in &mut batch.entries {
                separate_stream(entry, &source);
            }
            batch
        }
        Err(error @ UnreadableLines) => AuditBatch {
            malformed: vec![kept(body, error.to_string())],
            source,
            ..AuditBatch::default()
        },
    }
}

/// A producer numbers its own lines, but cannot fill or invent gaps of another's: the stored stream is one of producer and stream.
fn separate_stream(entry: &mut ParsedEntry, source: &str) {
    entry.stream = entry.stream.map(|line| AuditLine {
        stream_id: digest_uuid(&format!("{source}/{}", line.stream_id)),
        seq: line.seq,
    });
}
