//! A standard queue: no order, no deduplication, for messages whose reader needs neither.

use audit::Context;

use super::queue::{is_plain_name, name_in, send};
use crate::aws::{AwsError, Clients};
use crate::config::Environment;

/// The address of a standard queue: `https://sqs.<region>.amazonaws.com/<account>/<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardQueueUrl {
    url: String,
    name: String,
}

impl StandardQueueUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// Describes the problem.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let name = name_in(text).filter(|name| is_plain_name(name));
        let name =
            name.ok_or("is not the address of a standard queue (https://sqs.<region>.amazonaws.com/<account>/<name>)")?;
        Ok(Self {
            url: text.to_owned(),
            name,
        })
    }

    /// The address in the required variable `name`.
    #[must_use]
    pub fn from_environment(env: &mut Environment, name: &str) -> Self {
        // The empty one is never used: the environment has recorded the problem, and its finish() fails.
        let unused = || Self {
            url: String::new(),
            name: String::new(),
        };
        env.required_parsed(name, Self::parse).unwrap_or_else(unused)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A standard queue to send to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StandardQueue {
    clients: Clients,
    url: StandardQueueUrl,
}

impl StandardQueue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(clients: &Clients, url: StandardQueueUrl) -> Self {
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
        let StandardQueueUrl { url, name } = &self.url;
        let message = self.clients.sqs.send_message().queue_url(url).message_body(body);
        send(&self.clients, context, name, message).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_standard_queue_address_is_accepted() {
        let good = "https://sqs.eu-west-1.amazonaws.com/123456789012/stack-AuditRetry_1";
        assert_eq!(StandardQueueUrl::parse(good).unwrap().name(), "stack-AuditRetry_1");
        for text in [
            "",
            "audit-retry",
            "https://sqs/1/audit.fifo",
            "https://sqs/1/",
            "https://sqs/1/*",
            "ftp://sqs/1/audit",
        ] {
            assert!(StandardQueueUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn missing_and_invalid_addresses_are_one_problem_each() {
        let mut env = Environment::from_pairs([("B_QUEUE_URL", "https://sqs/1/x.fifo")]);
        let _ = StandardQueueUrl::from_environment(&mut env, "A_QUEUE_URL");
        let _ = StandardQueueUrl::from_environment(&mut env, "B_QUEUE_URL");
        assert_eq!(env.finish().unwrap_err().problems().len(), 2);
    }
}
