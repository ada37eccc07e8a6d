//! Deliveries of CloudWatch Logs: lines of one log stream, as JSON in gzip and base64. Read, and written for our own messages.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::request::{LogsEvent, Packed};

/// The maximum unpacked size of a delivery. A delivery holds at most 1 MiB packed, and log lines pack to a tenth; more than this
/// is an attempt to exhaust the memory.
pub(crate) const LARGEST: u64 = 32 * 1024 * 1024;

/// Lines of one log stream.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogDelivery {
    pub(crate) message_type: String,
    #[serde(default)]
    pub(crate) log_group: String,
    #[serde(default)]
    pub(crate) log_stream: String,
    #[serde(default)]
    pub(crate) log_events: Vec<LogEvent>,
}

/// One event of a log stream: what the function wrote in one line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogEvent {
    pub(crate) message: String,
}

impl std::fmt::Debug for LogDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The lines are omitted: they do not belong in logs.
        f.debug_struct("LogDelivery")
            .field("message_type", &self.message_type)
            .field("log_group", &self.log_group)
            .field("log_stream", &self.log_stream)
            .field("log_events", &self.log_events.len())
            .finish()
    }
}

impl std::fmt::Debug for LogEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogEvent").field("bytes", &self.message.len()).finish()
    }
}

/// An unreadable delivery. It is redelivered, and ends whole in the dead-letter queue, which raises an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// The text is not base64.
    #[error("log delivery is not valid base64")]
    Base64,
    /// The bytes are not a complete gzip stream.
    #[error("log delivery is not a complete gzip stream")]
    Gzip,
    /// It is too large unpacked.
    #[error("log delivery unpacks to more than {LARGEST} bytes")]
    TooLarge,
    /// The content is not a log delivery.
    #[error("log delivery is not JSON of the documented form")]
    Json,
    /// An unknown kind of message.
    #[error("log delivery is neither DATA_MESSAGE nor CONTROL_MESSAGE")]
    Kind,
}

impl LogsEvent {
    /// Unpacks it. `None`: a message without lines by which CloudWatch Logs checks the connection.
    pub(crate) fn unpack(&self) -> Result<Option<LogDelivery>, Undecodable> {
        let packed = STANDARD.decode(&self.awslogs.data).map_err(|_| Undecodable::Base64)?;
        let mut bytes = Vec::new();
        let mut unpacked = GzDecoder::new(packed.as_slice()).take(LARGEST + 1);
        unpacked.read_to_end(&mut bytes).map_err(|_| Undecodable::Gzip)?;
        if bytes.len() as u64 > LARGEST {
            return Err(Undecodable::TooLarge);
        }
        // A byte that is not UTF-8 must not lose the lines around it.
        let text = String::from_utf8_lossy(&bytes);
        let delivery: LogDelivery = serde_json::from_str(&text).map_err(|_| Undecodable::Json)?;
        match delivery.message_type.as_str() {
            "DATA_MESSAGE" => Ok(Some(delivery)),
            "CONTROL_MESSAGE" => Ok(None),
            _ => Err(Undecodable::Kind),
        }
    }
}

impl LogDelivery {
    /// The source of the lines, as stored with them.
    pub(crate) fn source(&self) -> String {
        format!("{}/{}", self.log_group, self.log_stream)
    }

    /// The received form, with only these lines.
    pub(crate) fn pack(&self, events: &[LogEvent]) -> LogsEvent {
        let delivery = Self {
            log_events: events.to_vec(),
            ..self.clone_without_events()
        };
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        // Neither can fail: the value has only text keys, and the writer is memory.
        let written = serde_json::to_vec(&delivery).map(|json| gzip.write_all(&json));
        let packed = match (written, gzip.finish()) {
            (Ok(Ok(())), Ok(packed)) => packed,
            _ => Vec::new(),
        };
        LogsEvent {
            awslogs: Packed {
                data: STANDARD.encode(packed),
            },
        }
    }

    fn clone_without_events(&self) -> Self {
        Self {
            message_type: self.message_type.clone(),
            log_group: self.log_group.clone(),
            log_stream: self.log_stream.clone(),
            log_events: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn event(bytes: &[u8]) -> LogsEvent {
        let data = STANDARD.encode(gzip(bytes));
        LogsEvent {
            awslogs: Packed { data },
        }
    }

    fn unpack(bytes: &[u8]) -> Result<Option<LogDelivery>, Undecodable> {
        event(bytes).unpack()
    }

    #[test]
    fn delivery_is_unpacked_and_repacked_unchanged() {
        let text = json!({
            "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/lambda/webhook",
            "logStream": "2026/03/02/[7]abc", "subscriptionFilters": ["audit"],
            "logEvents": [{"id": "1", "timestamp": 1_772_446_504_231_i64, "message": "one"},
                          {"id": "2", "timestamp": 1_772_446_504_232_i64, "message": "größe"}],
        });
        let delivery = unpack(text.to_string().as_bytes()).unwrap().unwrap();
        assert_eq!(delivery.source(), "/aws/lambda/webhook/2026/03/02/[7]abc");
        let messages: Vec<_> = delivery.log_events.iter().map(|event| event.message.as_str()).collect();
        assert_eq!(messages, ["one", "größe"]);
        assert_eq!(delivery.pack(&delivery.log_events).unpack().unwrap().unwrap(), delivery);
        assert!(!format!("{delivery:?}").contains("one"), "lines must not be logged");
    }

    #[test]
    fn a_control_message_holds_nothing() {
        let text = json!({"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "",
            "subscriptionFilters": [], "logEvents": [{"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health"}]});
        assert_eq!(unpack(text.to_string().as_bytes()), Ok(None));
    }

    #[test]
    fn an_invalid_delivery_is_rejected_with_its_reason() {
        let data = |data: &str| {
            LogsEvent {
                awslogs: Packed { data: data.to_owned() },
            }
            .unpack()
        };
        assert_eq!(data("%%%"), Err(Undecodable::Base64));
        assert_eq!(data(""), Err(Undecodable::Gzip));
        assert_eq!(data(&STANDARD.encode("not gzip")), Err(Undecodable::Gzip));
        let mut cut = gzip(br#"{"messageType":"DATA_MESSAGE"}"#);
        cut.truncate(cut.len() - 9);
        assert_eq!(data(&STANDARD.encode(cut)), Err(Undecodable::Gzip));
        assert_eq!(unpack(b"not json"), Err(Undecodable::Json));
        assert_eq!(unpack(br#"{"messageType":7}"#), Err(Undecodable::Json));
        assert_eq!(unpack(br#"{"messageType":"NEWS"}"#), Err(Undecodable::Kind));
    }

    #[test]
    fn decompression_bomb_is_rejected_at_the_size_limit() {
        let bomb = vec![b' '; usize::try_from(LARGEST).unwrap() + 1];
        assert_eq!(unpack(&bomb), Err(Undecodable::TooLarge));
        assert_eq!(
            unpack(&bomb[1..]),
            Err(Undecodable::Json),
            "at the size limit, but not JSON"
        );
    }

    #[test]
    fn invalid_utf_8_leaves_other_lines_readable() {
        let mut bytes = br#"{"messageType":"DATA_MESSAGE","logEvents":[{"message":"a"},{"message":"b"#.to_vec();
        bytes.extend([0xff, 0xfe]);
        bytes.extend(br#""},{"message":"c"}]}"#);
        let delivery = unpack(&bytes).unwrap().unwrap();
        let messages: Vec<_> = delivery.log_events.iter().map(|event| event.message.as_str()).collect();
        assert_eq!(messages, ["a", "b\u{fffd}\u{fffd}", "c"]);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, text in ".*") {
            let _ = unpack(&bytes);
            let _ = LogsEvent { awslogs: Packed { data: STANDARD.encode(&bytes) } }.unpack();
            let _ = LogsEvent { awslogs: Packed { data: text } }.unpack();
        }
    }
}
