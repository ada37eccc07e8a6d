//! SQS `SendMessage` (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>) and its batch.

use std::collections::BTreeSet;

use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Refusal;

/// The largest message, in bytes; also the limit of a whole batch.
const LARGEST_MESSAGE: usize = 1024 * 1024;
/// Messages in one call.
const LARGEST_BATCH: usize = 10;

/// A message on a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The queue URL from the request.
    pub queue_url: String,
    pub body: String,
    /// The FIFO group.
    pub group_id: Option<String>,
    /// The FIFO deduplication id.
    pub deduplication_id: Option<String>,
    /// The message attributes as sent.
    pub attributes: Value,
    /// The assigned id.
    pub message_id: String,
    /// Its sequence number in a FIFO queue: 20 digits.
    pub sequence_number: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Queues {
    messages: Vec<Message>,
}

impl Queues {
    /// The messages, oldest first.
    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Stores a message. A repeated deduplication id of a group gets the first answer and is not stored.
    pub(super) fn send(&mut self, input: &Value) -> Result<Value, Refusal> {
        let text = |name: &str| input[name].as_str().map(str::to_owned);
        let missing = |name: &str| {
            Refusal::new(
                "com.amazonaws.sqs#MissingRequiredParameterException",
                format!("The request must contain the parameter {name}."),
            )
        };
        // 1. Check the parameters.
        let queue_url = text("QueueUrl").ok_or_else(|| missing("QueueUrl"))?;
        let body = text("MessageBody")
            .filter(|body| !body.is_empty())
            .ok_or_else(|| missing("MessageBody"))?;
        if body.len() > LARGEST_MESSAGE {
            let reason = format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {LARGEST_MESSAGE} bytes."
            );
            return Err(Refusal::new("com.amazonaws.sqs#InvalidParameterValueException", reason));
        }
        let fifo = queue_url.strip_suffix(".fifo").is_some();
        let group_id = text("MessageGroupId");
        if fifo && group_id.is_none() {
            return Err(missing("MessageGroupId"));
        }
        // 2. Store the message, unless it is a duplicate.
        let deduplication_id = text("MessageDeduplicationId");
        let message = self
            .first_of(&queue_url, group_id.as_deref(), deduplication_id.as_deref())
            .cloned();
        let message = message.unwrap_or_else(|| {
            let number = self.messages.len() as u128 + 18_850_000_000_000_000_000;
            let message = Message {
                queue_url,
                body: body.clone(),
                group_id,
                deduplication_id,
                attributes: input["MessageAttributes"].clone(),
                message_id: Uuid::now_v7().to_string(),
                sequence_number: fifo.then(|| number.to_string()),
            };
            self.messages.push(message.clone());
            message
        });
        Ok(answer(input, &body, &message))
    }

    /// Stores each message of a batch
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>); a rejected one does not
    /// stop the others.
    pub(super) fn send_batch(&mut self, input: &Value) -> Result<Value, Refusal> {
        // 1. Limits apply to the whole batch.
        let entries = input["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
        let refused = |code: &'static str, reason: &str| Err(Refusal::new(code, reason));
        if entries.is_empty() {
            return refused(
                "com.amazonaws.sqs#EmptyBatchRequest",
                "There should be at least one SendMessageBatchRequestEntry in the request.",
            );
        }
        if entries.len() > LARGEST_BATCH {
            return refused(
                "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
                "Maximum number of entries per request are 10.",
            );
        }
        let ids: BTreeSet<&str> = entries.iter().filter_map(|entry| entry["Id"].as_str()).collect();
        if ids.len() < entries.len() {
            return refused(
                "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.",
            );
        }
        let bytes: usize = entries
            .iter()
            .filter_map(|entry| entry["MessageBody"].as_str())
            .map(str::len)
            .sum();
        if bytes > LARGEST_MESSAGE {
            return refused(
                "com.amazonaws.sqs#BatchRequestTooLong",
                "Batch requests cannot be longer than 1048576 bytes.",
            );
        }
        // 2. Each message succeeds or fails separately.
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in entries {
            let mut message = entry.clone();
            message["QueueUrl"] = input["QueueUrl"].clone();
            match self.send(&message) {
                Ok(mut output) => {
                    output["Id"] = entry["Id"].clone();
                    successful.push(output);
                }
                Err(refusal) => {
                    let code = refusal.code.rsplit('#').next();
                    failed
                        .push(json!({"Id": entry["Id"], "Code": code, "Message": refusal.reason, "SenderFault": true}));
                }
            }
        }
        Ok(json!({"Successful": successful, "Failed": failed}))
    }

    fn first_of(&self, queue: &str, group: Option<&str>, deduplication_id: Option<&str>) -> Option<&Message> {
        let id = deduplication_id?;
        self.messages.iter().find(|message| {
            message.queue_url == queue
                && message.group_id.as_deref() == group
                && message.deduplication_id.as_deref() == Some(id)
        })
    }
}

/// The answer to a message, with digests by which clients verify the transfer.
fn answer(input: &Value, body: &str, message: &Message) -> Value {
    let mut output = Map::from_iter([
        ("MD5OfMessageBody".to_owned(), json!(hex(&Md5::digest(body.as_bytes())))),
        ("MessageId".to_owned(), json!(message.message_id)),
    ]);
    for (given, name) in [
        ("MessageAttributes", "MD5OfMessageAttributes"),
        ("MessageSystemAttributes", "MD5OfMessageSystemAttributes"),
    ] {
        if let Some(attributes) = input[given].as_object().filter(|attributes| !attributes.is_empty()) {
            output.insert(name.to_owned(), json!(md5_of_attributes(attributes)));
        }
    }
    if let Some(number) = &message.sequence_number {
        output.insert("SequenceNumber".to_owned(), json!(number));
    }
    Value::Object(output)
}

/// The digest over names, types and values, each prefixed with its length, in the order of the names
/// (Amazon SQS Developer Guide, "Calculating the MD5 message digest for message attributes").
fn md5_of_attributes(attributes: &Map<String, Value>) -> String {
    let mut names: Vec<_> = attributes.keys().collect();
    names.sort_unstable();
    let mut digest = Md5::new();
    let part = |digest: &mut Md5, bytes: &[u8]| {
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(bytes);
    };
    for name in names {
        let attribute = &attributes[name];
        part(&mut digest, name.as_bytes());
        part(
            &mut digest,
            attribute["DataType"].as_str().unwrap_or_default().as_bytes(),
        );
        if let Some(text) = attribute["StringValue"].as_str() {
            digest.update([1]);
            part(&mut digest, text.as_bytes());
        } else {
            use base64::Engine;
            let encoded = attribute["BinaryValue"].as_str().unwrap_or_default();
            digest.update([2]);
            part(
                &mut digest,
                &base64::engine::general_purpose::STANDARD
                    .decode(encoded)
                    .unwrap_or_default(),
            );
        }
    }
    hex(&digest.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
