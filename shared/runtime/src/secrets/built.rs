//! An object built from secrets (a connection, a client) and rebuilt after a rotation of one of them.

use std::sync::Arc;

use audit::Context;
use jiff::SignedDuration;
use tokio::sync::Mutex;

use super::{SecretCache, SecretError};
use crate::StartError;

/// After a rejected credential the secrets are read again, at most this often.
pub const REFRESH_AT_MOST_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// One secret, or a pair of them.
pub trait SecretSet: std::fmt::Debug + Send + Sync {
    /// Their values.
    type Values: Send;

    /// Fetches the values, concurrently.
    fn get(&self, context: &Context) -> impl Future<Output = Result<Self::Values, SecretError>> + Send;

    /// Reads the secrets again, unless that was just done.
    fn refresh(&self, context: &Context) -> impl Future<Output = Result<(), SecretError>> + Send;

    /// Whether no secret has changed.
    fn is_same(one: &Self::Values, other: &Self::Values) -> bool;
}

impl<A: Send + Sync> SecretSet for SecretCache<A> {
    type Values = Arc<A>;

    async fn get(&self, context: &Context) -> Result<Arc<A>, SecretError> {
        Self::get(self, context).await
    }

    async fn refresh(&self, context: &Context) -> Result<(), SecretError> {
        self.refresh_if_older_than(REFRESH_AT_MOST_EVERY, context)
            .await
            .map(drop)
    }

    fn is_same(one: &Arc<A>, other: &Arc<A>) -> bool {
        Arc::ptr_eq(one, other)
    }
}

impl<A: SecretSet, B: SecretSet> SecretSet for (A, B) {
    type Values = (A::Values, B::Values);

    async fn get(&self, context: &Context) -> Result<Self::Values, SecretError> {
        futures::try_join!(self.0.get(context), self.1.get(context))
    }

    async fn refresh(&self, context: &Context) -> Result<(), SecretError> {
        futures::try_join!(self.0.refresh(context), self.1.refresh(context)).map(drop)
    }

    fn is_same(one: &Self::Values, other: &Self::Values) -> bool {
        A::is_same(&one.0, &other.0) && B::is_same(&one.1, &other.1)
    }
}

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

type Build<S, T> = Box<dyn Fn(&<S as SecretSet>::Values) -> Result<T, StartError> + Send + Sync>;

/// Built from secrets; the same object is returned until one of them changes.
pub struct FromSecrets<S: SecretSet, T> {
    secrets: S,
    build: Build<S, T>,
    /// The last object, after the values that it was built from.
    state: Mutex<Option<(S::Values, Arc<T>)>>,
}

impl<S: SecretSet, T> FromSecrets<S, T> {
    /// Nothing is fetched or built yet.
    pub fn new(secrets: S, build: impl Fn(&S::Values) -> Result<T, StartError> + Send + Sync + 'static) -> Self {
        Self {
            secrets,
            build: Box::new(build),
            state: Mutex::new(None),
        }
    }

    /// The object, built if necessary.
    pub async fn get(&self, context: &Context) -> Result<Arc<T>, BuildError> {
        let values = self.secrets.get(context).await?;
        let mut state = self.state.lock().await;
        if let Some((built_from, built)) = &*state
            && S::is_same(built_from, &values)
        {
            return Ok(Arc::clone(built));
        }
        let built = (self.build)(&values).map_err(|error| BuildError::Unusable(error.to_string()))?;
        let built = Arc::new(built);
        *state = Some((values, Arc::clone(&built)));
        Ok(built)
    }

    /// Call this after a rejected credential: reads the secrets again, unless that was just done. If one has changed, the next
    /// [`FromSecrets::get`] rebuilds.
    pub async fn refused(&self, context: &Context) {
        if let Err(error) = self.secrets.refresh(context).await {
            tracing::warn!(error = %error, "reloading a secret after a rejected credential failed");
        }
    }
}

impl<S: SecretSet, T> std::fmt::Debug for FromSecrets<S, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FromSecrets")
            .field("secrets", &self.secrets)
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
        let built = FromSecrets::new((secret(&first), secret(&second)), |(a, b)| Ok(**a + **b));
        assert_eq!(*built.get(&context()).await.unwrap(), 11);
        // The clock is fixed, so the secrets were just read and a rejected credential reads nothing.
        second.store(20, Ordering::Relaxed);
        built.refused(&context()).await;
        assert_eq!(*built.get(&context()).await.unwrap(), 11);
    }

    #[tokio::test]
    async fn failed_build_is_retried_at_next_call() {
        let (first, second) = versions();
        let sum = |(a, b): &(Arc<u32>, Arc<u32>)| {
            if **a == 1 {
                Err(StartError::new("not yet"))
            } else {
                Ok(**a + **b)
            }
        };
        let built = FromSecrets::new((secret(&first), secret(&second)), sum);
        let error = built.get(&context()).await.unwrap_err();
        assert_eq!(error.to_string(), "building clients from secrets failed: not yet");
        first.store(2, Ordering::Relaxed);
        built
            .secrets
            .0
            .refresh_if_older_than(SignedDuration::ZERO, &context())
            .await
            .unwrap();
        assert_eq!(*built.get(&context()).await.unwrap(), 12);
    }
}
