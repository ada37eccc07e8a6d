//! Secrets: their sources, reading them without revealing them, and the cache that supports rotation.

mod built;
mod cache;

use audit::Context;
use futures::future::BoxFuture;
use model::codes;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::aws::AwsError;

pub use built::{BuildError, FromSecrets, REFRESH_AT_MOST_EVERY, SecretSet};
pub use cache::SecretCache;

codes! {
    /// A staging label, which selects one of a secret's values
    /// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version>).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Stage {
        Current = "AWSCURRENT",
        /// The value that a rotation in progress will make current.
        Pending = "AWSPENDING",
        /// The value that was current before the last rotation.
        Previous = "AWSPREVIOUS",
    }
}

impl Stage {
    /// The current value alone, for credentials that are presented to others.
    pub const CURRENT: &[Self] = &[Self::Current];
}

/// One value and the label it was found under.
#[derive(Debug, Clone)]
pub struct StagedSecret {
    pub stage: Stage,
    pub value: SecretString,
}

/// A source of values: [`crate::aws::Secrets`], or in tests any function from a stage to its value.
pub trait SecretSource: Send + Sync {
    /// The value at `stage`, or `None` if that stage is empty.
    fn get<'a>(
        &'a self,
        context: &'a Context,
        secret_id: &'a str,
        stage: Stage,
    ) -> BoxFuture<'a, Result<Option<SecretString>, AwsError>>;
}

impl<F> SecretSource for F
where
    F: Fn(Stage) -> Result<Option<SecretString>, AwsError> + Send + Sync,
{
    fn get<'a>(
        &'a self,
        _: &'a Context,
        _: &'a str,
        stage: Stage,
    ) -> BoxFuture<'a, Result<Option<SecretString>, AwsError>> {
        Box::pin(std::future::ready(self(stage)))
    }
}

/// Why no secret is available.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It could not be fetched.
    #[error("secret {id} is unavailable")]
    Unavailable {
        /// Its name or ARN.
        id: String,
        source: AwsError,
    },
    /// It was fetched and its content is invalid; manual intervention is needed.
    #[error("secret {id} has unusable content")]
    Unusable {
        /// Its name or ARN.
        id: String,
        source: UnreadableSecret,
    },
}

/// The problem of a secret's content, without any of the content: only fixed texts and positions can be included.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnreadableSecret(String);

impl UnreadableSecret {
    /// A problem described by the reader's own code.
    #[must_use]
    pub fn because(problem: &'static str) -> Self {
        Self(problem.to_owned())
    }

    /// The same with its stage.
    #[must_use]
    pub fn at(self, stage: Stage) -> Self {
        Self(format!("{}: {}", stage.as_str(), self.0))
    }
}

/// Reads a JSON value. A failure reports only the position and the kind of the problem: the error's own text quotes content.
///
/// # Errors
/// If the value is not JSON or does not match `T`.
pub fn from_json<T: DeserializeOwned>(value: &SecretString) -> Result<T, UnreadableSecret> {
    serde_json::from_str(value.expose_secret()).map_err(|error| {
        let problem = match error.classify() {
            Category::Data => "JSON of an unexpected form",
            Category::Eof => "incomplete JSON",
            Category::Syntax | Category::Io => "not JSON",
        };
        UnreadableSecret(format!("{problem} at line {} column {}", error.line(), error.column()))
    })
}

#[cfg(test)]
mod tests;
