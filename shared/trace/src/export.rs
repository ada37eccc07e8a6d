//! Where spans go: the boundary between the one who collects them and the one who sends them.

use std::pin::Pin;
use std::time::Duration;

use audit::Context;
use secrecy::SecretString;
use url::Url;

/// A collector's address for traces, and the headers it wants.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Used as it is (`http://127.0.0.1:4318/v1/traces`).
    pub url: Url,
    /// By name. The values may be keys.
    pub headers: Vec<(String, SecretString)>,
}

/// An export under way: how many spans the collector refused, of those it was sent.
pub type Exporting<'a> = Pin<Box<dyn Future<Output = Result<u64, ExportError>> + Send + 'a>>;

/// Sends spans.
pub trait Export: Send + Sync {
    /// Sends one request with this body (see [`crate::encode`]), once, and ends `within` this time.
    fn export<'a>(&'a self, context: &'a Context, body: Vec<u8>, within: Duration) -> Exporting<'a>;
}

/// The spans did not arrive, or nobody knows whether they did. They are not sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportError {
    /// Why, without anything secret.
    pub reason: String,
    /// How long the collector asked to be left alone.
    pub retry_after: Option<Duration>,
}
