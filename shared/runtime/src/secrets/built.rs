//! An object built from one or two secrets (a connection, a client) and rebuilt after a rotation of one of them.

use std::sync::Arc;

use audit::Context;
use jiff::SignedDuration;
use model::Clock;
use tokio::sync::Mutex;

use super::{SecretCache, SecretError, Stage};
use crate::StartError;

/// After a rejected credential the secrets are read again, at most this often.
pub const REFRESH_AT_MOST_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// The last object, after the values it was built from.
type Last<A, B, T> = (Arc<A>, Arc<B>, Arc<T>);
type Build<A, B, T> = Box<dyn Fn(&A, &B) -> Result<T, StartError> + Send + Sync>;

/// Why it is not available now. Retry: the secret may have been corrected meanwhile.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A secret is not available.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A secret's content is invalid.
    #[error("building clients from secrets failed: {0}")]
    Unusable(String),
}

/// Built from two secrets; the same object is returned until a secret changes.
pub struct FromSecrets<A, B, T> {
    first: SecretCache<A>,
    second: SecretCache<B>,
    build: Build<A, B, T>,
    state: Mutex<Option<Last<A, B, T>>>,
}

impl<A, B, T> FromSecrets<A, B, T> {
    /// Nothing is fetched or built yet.
    pub fn new(
        first: SecretCache<A>,
        second: SecretCache<B>,
        build: impl Fn(&A, &B) -> Result<T, StartError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            first,
            second,
            build: Box::new(build),
            state: Mutex::new(None),
        }
    }

    /// The object, built if necessary. Both secrets are fetched concurrently.
    pub async fn get(&self, context: &Context) -> Result<Arc<T>, BuildError> {
        let (first, second) = futures::try_join!(self.first.get(context), self.second.get(context))?;
        let mut state = self.state.lock().await;
        if let Some((of_first, of_second, built)) = &*state
            && Arc::ptr_eq(of_first, &first)
            && Arc::ptr_eq(of_second, &second)
        {
            return Ok(Arc::clone(built));
        }
        let built = (self.build)(&first, &second).map_err(|error| BuildError::Unusable(error.to_string()))?;
        let built = Arc::new(built);
        *state = Some((first, second, Arc::clone(&built)));
        Ok(built)
    }

    /// Call this after a rejected credential: reads the secrets again, unless that was just done. If one has changed, the next
    /// [`FromSecrets::get`] rebuilds.
    pub async fn refused(&self, context: &Context) {
        let fetched = futures::try_join!(
            self.first.refresh_if_older_than(REFRESH_AT_MOST_EVERY, context),
            self.second.refresh_if_older_than(REFRESH_AT_MOST_EVERY, context),
        );
        if let Err(error) = fetched {
            tracing::warn!(error = %error, "reloading a secret after a rejected credential failed");
        }
    }
}

impl<A, T> FromSecrets<A, (), T> {
    /// The same from one secret. `clock` is that of the secret's cache.
    pub fn from_one(
        secret: SecretCache<A>,
        clock: Arc<dyn Clock>,
        build: impl Fn(&A) -> Result<T, StartError> + Send + Sync + 'static,
    ) -> Self {
        let nothing = |_: Stage| Ok(None);
        let nothing = SecretCache::new(Arc::new(nothing), "nothing", &[], clock, |_| Ok(()));
        Self::new(secret, nothing, move |one, ()| build(one))
    }
}

impl<A, B, T> std::fmt::Debug for FromSecrets<A, B, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FromSecrets")
            .field("first", &self.first)
            .field("second", &self.second)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use audit::{ActorType, Context};
    use model::FixedClock;
    use secrecy::{ExposeSecret as _, SecretString};
    use uuid::Uuid;

    use super::*;
    use crate::secrets::{Stage, StagedSecret, UnreadableSecret};

    /// A secret whose value is the number in `version`.
    fn secret(version: &Arc<AtomicU32>) -> SecretCache<u32> {
        let version = Arc::clone(version);
        let source = move |_: Stage| Ok(Some(SecretString::from(version.load(Ordering::Relaxed).to_string())));
        let clock = FixedClock("2026-01-31T12:00:00Z".parse().unwrap());
        SecretCache::new(
            Arc::new(source),
            "s",
            Stage::CURRENT,
            Arc::new(clock),
            |found: &[StagedSecret]| {
                let text = found.first().map(|secret| secret.value.expose_secret());
                text.and_then(|text| text.parse().ok())
                    .ok_or_else(|| UnreadableSecret::because("no number"))
            },
        )
    }

    fn context() -> Context {
        Context::new(ActorType::WebhookEvent, Uuid::nil())
    }

    fn versions() -> (Arc<AtomicU32>, Arc<AtomicU32>) {
        (Arc::new(AtomicU32::new(1)), Arc::new(AtomicU32::new(10)))
    }

    #[tokio::test]
    async fn refusals_in_succession_read_secrets_only_once() {
        let (first, second) = versions();
        let built = FromSecrets::new(secret(&first), secret(&second), |a, b| Ok(a + b));
        assert_eq!(*built.get(&context()).await.unwrap(), 11);
        // The clock is fixed, so the secrets were just read and a rejected credential reads nothing.
        second.store(20, Ordering::Relaxed);
        built.refused(&context()).await;
        assert_eq!(*built.get(&context()).await.unwrap(), 11);
    }

    #[tokio::test]
    async fn failed_build_is_retried_at_next_call() {
        let (first, second) = versions();
        let sum = |a: &u32, b: &u32| {
            if *a == 1 {
                Err(StartError::new("not yet"))
            } else {
                Ok(a + b)
            }
        };
        let built = FromSecrets::new(secret(&first), secret(&second), sum);
        let error = built.get(&context()).await.unwrap_err();
        assert_eq!(error.to_string(), "building clients from secrets failed: not yet");
        first.store(2, Ordering::Relaxed);
        built
            .first
            .refresh_if_older_than(SignedDuration::ZERO, &context())
            .await
            .unwrap();
        assert_eq!(*built.get(&context()).await.unwrap(), 12);
    }
}
