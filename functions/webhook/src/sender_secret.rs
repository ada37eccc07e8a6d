//! Assessment of a request by the current secret, which is read again if a newer version could change the result.

use std::sync::Arc;
use std::time::Duration;

use audit::Context;
use jiff::SignedDuration;
use runtime::secrets::{SecretCache, SecretError};

use crate::senders::Senders;

/// How recent the last read of the secret must be for a failed verification to be final. Forged requests thus cause at most one read
/// in this time.
const REFRESH_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// How long a request waits for a new read of the secret. There is at most one such read per request.
pub(crate) const SECRET_WITHIN: Duration = Duration::from_millis(1_500);

/// The secret with the senders of every route.
#[derive(Debug)]
pub struct SenderSecret(SecretCache<Senders>);

impl SenderSecret {
    #[must_use]
    pub fn new(cache: SecretCache<Senders>) -> Self {
        Self(cache)
    }

    /// Reads the secret at start, when no request waits.
    ///
    /// # Errors
    /// Without it the function rejects every request as unavailable, and reads it again.
    pub async fn warm_up(&self, context: &Context) -> Result<(), SecretError> {
        self.0.get(context).await.map(drop)
    }

    /// Assesses with the current senders, and once more with a newer secret if it could change the result.
    pub async fn assess_by<T>(
        &self,
        context: &Context,
        assess: impl Fn(&Senders) -> T,
        may_change: impl Fn(&T) -> bool,
    ) -> T {
        let assessment = assess(&*self.known_senders(context).await);
        if !may_change(&assessment) {
            return assessment;
        }
        let again = self.0.refresh_if_older_than(REFRESH_AFTER, context);
        match tokio::time::timeout(SECRET_WITHIN, again).await {
            Ok(Ok(Some(senders))) => assess(&senders),
            Ok(Ok(None)) => assessment,
            Ok(Err(error)) => {
                tracing::warn!(%error, "failed to re-read the webhook secret");
                assessment
            }
            Err(_) => {
                tracing::warn!("timed out re-reading the webhook secret");
                assessment
            }
        }
    }

    /// The senders of the secret; none if it cannot be read in time.
    async fn known_senders(&self, context: &Context) -> Arc<Senders> {
        let read = tokio::time::timeout(SECRET_WITHIN, self.0.get(context)).await;
        let senders = match read {
            Ok(Ok(senders)) => Some(senders),
            Ok(Err(error)) => {
                tracing::error!(%error, "webhook secret unavailable; answering requests with 503");
                None
            }
            Err(_) => {
                tracing::error!("timed out reading the webhook secret; using the cached one, if any");
                self.0.kept().await
            }
        };
        senders.unwrap_or_default()
    }
}
