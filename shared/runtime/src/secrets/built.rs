//! Something built from one or two secrets (a connection, a client) and built anew when one of them has been rotated.

use std::sync::Arc;

use audit::Context;
use jiff::SignedDuration;
use model::Clock;
use tokio::sync::Mutex;

use super::{SecretCache, SecretError, Stage};
use crate::StartError;

/// A refused credential makes the secrets be read again, at most this often.
pub const REFRESH_AT_MOST_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// What was built, and the values it was built from.
type Last<A, B, T> = (Arc<A>, Arc<B>, Arc<T>);
type Build<A, B, T> = Box<dyn Fn(&A, &B) -> Result<T, StartError> + Send + Sync>;

/// Why it cannot be had now. Try again: somebody may have mended the secret meanwhile.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A secret's content cannot be used.
    #[error("the clients cannot be built from the secrets: {0}")]
    Unusable(String),
}

/// Built from two secrets; the same one is given out until a secret changes.
pub struct Built<A, B, T> {
    first: SecretCache<A>,
    second: SecretCache<B>,
    build: Build<A, B, T>,
    state: Mutex<Option<Last<A, B, T>>>,
}

impl<A, B, T> Built<A, B, T> {
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

    /// The thing, built if need be. Both secrets are fetched at the same time.
    ///
    /// # Errors
    /// [`BuildError`].
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

    /// A credential was refused: reads the secrets again, unless that was done just now. The next [`Built::get`] then builds anew
    /// if one has changed.
    pub async fn refused(&self, context: &Context) {
        let fetched = futures::try_join!(
            self.first.refresh_if_older_than(REFRESH_AT_MOST_EVERY, context),
            self.second.refresh_if_older_than(REFRESH_AT_MOST_EVERY, context),
        );
        if let Err(error) = fetched {
            tracing::warn!(error = %error, "a credential was refused and its secret could not be read again");
        }
    }
}

impl<A, T> Built<A, (), T> {
    /// The same from one secret alone. `clock` is the one that the secret's cache has.
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

impl<A, B, T> std::fmt::Debug for Built<A, B, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Built")
            .field("first", &self.first)
            .field("second", &self.second)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
