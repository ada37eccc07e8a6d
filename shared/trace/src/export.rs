//! The export of spans: the boundary between the collecting and the sending crate.

use std::pin::Pin;
use std::time::Duration;

use audit::Context;
use secrecy::SecretString;
use url::Url;

/// A collector's address for traces, and the headers it wants.
#[derive(Debug, Clone)]
pub struct ExportDestination {
    /// Used as it is (`http://127.0.0.1:4318/v1/traces`).
    pub url: Url,
    /// By name. The values may be keys.
    pub headers: Vec<(String, SecretString)>,
}

/// An export in progress: how many of the sent spans the collector rejected.
pub type Exporting<'a> = Pin<Box<dyn Future<Output = Result<u64, ExportError>> + Send + 'a>>;

pub trait Export: Send + Sync {
    /// Sends one request with this body (see [`crate::encode`]), once, and ends `within` this time.
    fn export<'a>(&'a self, context: &'a Context, body: Vec<u8>, within: Duration) -> Exporting<'a>;
}

/// The spans did not arrive, or that is unknown. They are not sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportError {
    pub reason: String,
    /// How long the collector asked to wait.
    pub retry_after: Option<Duration>,
}
