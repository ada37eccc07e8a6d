//! The messages by which the lines of a request travel to the recorder: JSON, with the lines in gzip and base64.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The largest message, in bytes: well below what every SQS endpoint accepts, as for messages of other queues.
const LARGEST: usize = 200 * 1024;
/// Most bytes of unpacked lines: the 500 longest entries of a request.
const LARGEST_UNPACKED: u64 = 500 * 65_536;

/// Accepted lines of one request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InletMessage {
    /// Version of this format; a recorder leaves unknown versions queued.
    pub version: u8,
    /// Name of the producer in the secret.
    pub producer: String,
    /// Of the request.
    pub correlation_id: Uuid,
    pub received_at: Timestamp,
    /// Lines of the audit log, one after the other, in gzip and base64.
    lines: String,
}

impl std::fmt::Debug for InletMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the lines: they do not belong in logs.
        f.debug_struct("InletMessage")
            .field("producer", &self.producer)
            .field("correlation_id", &self.correlation_id)
            .finish_non_exhaustive()
    }
}

/// A message whose lines cannot be read. A retry cannot succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lines of an inlet message are not base64 of gzip, or unpack to more than {LARGEST_UNPACKED} bytes")]
pub struct UnreadableLines;

impl InletMessage {
    /// The version this code writes.
    pub const VERSION: u8 = 1;

    /// The messages for these lines, in order; each fits into a queue, unless a single line does not.
    #[must_use]
    pub fn messages(producer: &str, correlation_id: Uuid, received_at: Timestamp, lines: &[&str]) -> Vec<Self> {
        let (mut messages, mut parts) = (Vec::new(), vec![lines]);
        while let Some(part) = parts.pop() {
            let message = Self {
                version: Self::VERSION,
                producer: producer.to_owned(),
                correlation_id,
                received_at,
                lines: packed(part),
            };
            if message.lines.len() < LARGEST || part.len() <= 1 {
                messages.push(message);
            } else {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
        }
        messages
    }

    /// Its lines.
    ///
    /// # Errors
    /// [`UnreadableLines`].
    pub fn unpacked_lines(&self) -> Result<Vec<String>, UnreadableLines> {
        let packed = STANDARD.decode(&self.lines).map_err(|_| UnreadableLines)?;
        let mut text = String::new();
        let mut unpacked = GzDecoder::new(packed.as_slice()).take(LARGEST_UNPACKED + 1);
        unpacked.read_to_string(&mut text).map_err(|_| UnreadableLines)?;
        if text.len() as u64 > LARGEST_UNPACKED {
            return Err(UnreadableLines);
        }
        Ok(text.lines().map(str::to_owned).collect())
    }
}

fn packed(lines: &[&str]) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Neither can fail: the writer is memory.
    let written = lines.iter().try_for_each(|line| writeln!(gzip, "{line}"));
    match (written, gzip.finish()) {
        (Ok(()), Ok(bytes)) => STANDARD.encode(bytes),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn messages(lines: &[String]) -> Vec<InletMessage> {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        InletMessage::messages("agent", Uuid::nil(), Timestamp::UNIX_EPOCH, &lines)
    }

    #[test]
    fn large_requests_are_split_in_order() {
        // Digits of different numbers, which do not compress well.
        let line = |number: u64| -> String {
            (0..2_000_u64)
                .map(|place| (number * 7_919 + place).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string())
                .collect()
        };
        let lines: Vec<String> = (0..40).map(line).collect();
        let messages = messages(&lines);
        assert!(messages.len() > 2, "{}", messages.len());
        assert!(
            messages
                .iter()
                .all(|message| serde_json::to_string(message).unwrap().len() < LARGEST + 500)
        );
        let unpacked: Vec<String> = messages
            .iter()
            .flat_map(|message| message.unpacked_lines().unwrap())
            .collect();
        assert_eq!(unpacked, lines);
    }

    #[test]
    fn a_queued_message_keeps_its_names() {
        let message = &messages(&["{}".to_owned()])[0];
        let expected = serde_json::json!({
            "version": 1, "producer": "agent", "correlation_id": "00000000-0000-0000-0000-000000000000",
            "received_at": "1970-01-01T00:00:00Z", "lines": "H4sIAAAAAAAE/6uu5QIABrCh3QMAAAA=",
        });
        let mut written = serde_json::to_value(message).unwrap();
        assert_eq!(
            serde_json::from_value::<InletMessage>(expected.clone())
                .unwrap()
                .unpacked_lines()
                .unwrap(),
            ["{}"]
        );
        // How far the lines are packed may change.
        written["lines"] = expected["lines"].clone();
        assert_eq!(written, expected);
    }

    #[test]
    fn unreadable_and_oversized_lines_are_errors() {
        let with_lines = |lines: String| {
            InletMessage {
                lines,
                ..messages(&[]).remove(0)
            }
            .unpacked_lines()
        };
        assert_eq!(with_lines("%".to_owned()), Err(UnreadableLines));
        assert_eq!(with_lines(STANDARD.encode("text")), Err(UnreadableLines));
        let bomb = " ".repeat(usize::try_from(LARGEST_UNPACKED).unwrap());
        assert_eq!(with_lines(packed(&[&bomb])), Err(UnreadableLines));
    }

    proptest! {
        #[test]
        fn lines_survive_the_queue(lines in proptest::collection::vec("[^\r\n]{1,80}", 1..20)) {
            let message = messages(&lines).remove(0);
            let text = serde_json::to_string(&message).unwrap();
            let read: InletMessage = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.unpacked_lines().unwrap(), lines);
        }
    }
}
