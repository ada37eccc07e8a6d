//! A standard queue: no order, no deduplication, for messages whose reader needs neither.

use audit::Context;

use super::queue::send;
use super::queue_url::{QueueUrl, Standard};
use crate::aws::{AwsError, Clients};

/// A standard queue to send to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StandardQueue {
    clients: Clients,
    url: QueueUrl<Standard>,
}

impl StandardQueue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(clients: &Clients, url: QueueUrl<Standard>) -> Self {
        Self {
            clients: clients.clone(),
            url,
        }
    }

    /// Sends one message, of at most 1 MiB
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>). Ends within three seconds,
    /// retries included, and leaves one audit entry.
    ///
    /// # Errors
    /// If the queue did not confirm. The message may still be there, so its reader must tolerate duplicates.
    pub async fn send(&self, context: &Context, body: String) -> Result<(), AwsError> {
        let QueueUrl { url, name, .. } = &self.url;
        let message = self.clients.sqs.send_message().queue_url(url).message_body(body);
        send(&self.clients, context, name, message).await
    }
}
