//! The address of a queue.

use std::marker::PhantomData;

use url::Url;

use crate::config::Environment;

/// A kind of queue.
pub trait QueueKind {
    /// How names of such queues end.
    const SUFFIX: &'static str;
    /// Why an address is rejected.
    const PROBLEM: &'static str;
}

/// Ordered in groups, deduplicated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fifo;

/// No order, no deduplication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standard;

impl QueueKind for Fifo {
    const SUFFIX: &'static str = ".fifo";
    const PROBLEM: &'static str =
        "is not the address of a FIFO queue (https://sqs.<region>.amazonaws.com/<account>/<name>.fifo)";
}

impl QueueKind for Standard {
    const SUFFIX: &'static str = "";
    const PROBLEM: &'static str =
        "is not the address of a standard queue (https://sqs.<region>.amazonaws.com/<account>/<name>)";
}

/// `https://sqs.<region>.amazonaws.com/<account>/<name>`; the name of a FIFO queue ends in `.fifo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrl<K = Fifo> {
    pub(super) url: String,
    pub(super) name: String,
    kind: PhantomData<K>,
}

impl<K: QueueKind> QueueUrl<K> {
    /// Reads an address.
    ///
    /// # Errors
    /// Describes the problem.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let name = name_in(text).ok_or(K::PROBLEM)?;
        let stem = name.strip_suffix(K::SUFFIX).filter(|stem| is_plain_name(stem));
        stem.ok_or(K::PROBLEM)?;
        Ok(Self::new(text.to_owned(), name))
    }

    /// The address in the required variable `name`.
    #[must_use]
    pub fn from_environment(env: &mut Environment, name: &str) -> Self {
        // The empty one is never used: the environment has recorded the problem, and its finish() fails.
        let unused = || Self::new(String::new(), String::new());
        env.required_parsed(name, Self::parse).unwrap_or_else(unused)
    }

    /// The queue's name, with `.fifo` if it has that.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn new(url: String, name: String) -> Self {
        let kind = PhantomData;
        Self { url, name, kind }
    }
}

/// The last segment of a queue's address.
fn name_in(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    url.path_segments().and_then(Iterator::last).map(ToOwned::to_owned)
}

/// Whether a name is valid for SQS: letters, digits, hyphens and underscores.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fifo_queue_address_is_accepted() {
        let good = [
            (
                "https://sqs.eu-west-1.amazonaws.com/123456789012/deliveries.fifo",
                "deliveries.fifo",
            ),
            (
                "http://127.0.0.1:4566/000000000000/stack-Effects_1.fifo",
                "stack-Effects_1.fifo",
            ),
        ];
        for (text, name) in good {
            assert_eq!(QueueUrl::<Fifo>::parse(text).unwrap().name(), name);
        }
        let bad = [
            "",
            "deliveries.fifo",
            "https://sqs/1/deliveries",
            "https://sqs/1/.fifo",
            "https://sqs/1/*.fifo",
            "ftp://sqs/1/a.fifo",
        ];
        for text in bad {
            assert!(QueueUrl::<Fifo>::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_standard_queue_address_is_accepted() {
        let good = "https://sqs.eu-west-1.amazonaws.com/123456789012/stack-AuditRetry_1";
        assert_eq!(QueueUrl::<Standard>::parse(good).unwrap().name(), "stack-AuditRetry_1");
        for text in [
            "",
            "audit-retry",
            "https://sqs/1/audit.fifo",
            "https://sqs/1/",
            "https://sqs/1/*",
            "ftp://sqs/1/audit",
        ] {
            assert!(QueueUrl::<Standard>::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn missing_and_invalid_addresses_are_one_problem_each() {
        let mut env = Environment::from_pairs([("B_QUEUE_URL", "https://sqs/1/plain")]);
        let _ = QueueUrl::<Fifo>::from_environment(&mut env, "A_QUEUE_URL");
        let _ = QueueUrl::<Fifo>::from_environment(&mut env, "B_QUEUE_URL");
        assert_eq!(env.finish().unwrap_err().problems().len(), 2);
    }
}
