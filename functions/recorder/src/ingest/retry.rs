//! The fallback when the database is down: the lines go to a queue, in messages of the form in which they came.

use audit::Context;
use runtime::aws::{AwsError, StandardQueue};

use crate::ingest::lines::is_audit;
use crate::ingest::logs::{LogDelivery, LogEvent};

/// The largest message, in bytes: well below the 256 KiB that every SQS endpoint accepts.
pub(crate) const LARGEST: usize = 200 * 1024;

/// Sends the audit lines of a delivery to the queue; returns the number of messages.
///
/// # Errors
/// [`AwsError`] of the first unconfirmed message. Send the whole delivery again: duplicates are stored once.
pub(crate) async fn put_off(
    queue: &StandardQueue,
    context: &Context,
    delivery: &LogDelivery,
) -> Result<usize, AwsError> {
    let messages = messages(delivery);
    for message in &messages {
        queue.send(context, message.clone()).await?;
    }
    Ok(messages.len())
}

/// The messages of a delivery, each below [`LARGEST`] unless a single event is larger: then SQS decides.
fn messages(delivery: &LogDelivery) -> Vec<String> {
    let events: Vec<LogEvent> = delivery
        .log_events
        .iter()
        .filter(|event| is_audit(event))
        .cloned()
        .collect();
    let mut messages = Vec::new();
    let mut parts = vec![events.as_slice()];
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        let message = serde_json::json!(delivery.pack(part)).to_string();
        if message.len() < LARGEST || part.len() == 1 {
            messages.push(message);
        } else {
            let (first, second) = part.split_at(part.len() / 2);
            parts.extend([second, first]);
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::RetryMessage;

    fn unpacked(message: &str) -> LogDelivery {
        match serde_json::from_str(message).unwrap() {
            RetryMessage::Logs(event) => event.unpack().unwrap().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn delivery(messages: impl IntoIterator<Item = String>) -> LogDelivery {
        LogDelivery {
            message_type: "DATA_MESSAGE".to_owned(),
            log_group: "g".to_owned(),
            log_stream: "s".to_owned(),
            log_events: messages.into_iter().map(|message| LogEvent { message }).collect(),
        }
    }

    /// An audit line that does not compress: a hash determines every byte.
    fn noise(number: usize, length: usize) -> String {
        let mut state = number as u64 + 1;
        let text: String = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + u8::try_from((state >> 40) % 26).unwrap())
        })
        .take(length)
        .collect();
        format!(r#"{{"event_type":"audit","number":{number},"text":"{text}"}}"#)
    }

    #[test]
    fn large_delivery_is_split_into_messages_in_order() {
        let whole = delivery((0..60).map(|number| noise(number, 20_000)));
        let messages = messages(&whole);
        assert!(messages.len() > 3, "{}", messages.len());
        assert!(messages.iter().all(|message| message.len() < LARGEST));
        let events: Vec<LogEvent> = messages
            .iter()
            .flat_map(|message| unpacked(message).log_events)
            .collect();
        assert_eq!(events, whole.log_events);
        assert_eq!(unpacked(&messages[0]).source(), "g/s");
    }

    #[test]
    fn only_audit_lines_are_sent_for_retry() {
        let mixed = delivery(["START".to_owned(), noise(1, 10), "END".to_owned()]);
        let [message] = &messages(&mixed)[..] else {
            panic!("expected one message")
        };
        assert_eq!(unpacked(message).log_events, [LogEvent { message: noise(1, 10) }]);
        assert_eq!(messages(&delivery(["START".to_owned()])), Vec::<String>::new());
    }

    #[test]
    fn oversized_event_gets_its_own_message() {
        let whole = delivery([noise(1, 10), noise(2, 400_000), noise(3, 10)]);
        let messages = messages(&whole);
        let sizes: Vec<bool> = messages.iter().map(|message| message.len() < LARGEST).collect();
        assert_eq!(sizes, [true, false, true]);
    }
}
