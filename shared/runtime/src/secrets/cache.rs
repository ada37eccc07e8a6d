//! The cache of one secret: fresh for five minutes, usable for an hour if it cannot be refreshed, then fails closed.

use std::sync::Arc;

use audit::Context;
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use model::Clock;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::{SecretError, SecretSource, Stage, StagedSecret, UnreadableSecret};

/// How long a value is used without a new fetch.
const FRESH_FOR: SignedDuration = SignedDuration::from_mins(5);
/// How long the last valid value is used while fetches fail. A revoked token thus stays accepted for at most this long.
const USABLE_FOR: SignedDuration = SignedDuration::from_hours(1);
/// While an old value is in use, at most one failing attempt per interval, so that an outage does not slow every invocation.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(10);
/// Without any value, at most one attempt per interval: requests from outside must not cause calls.
const RETRY_EMPTY_AFTER: SignedDuration = SignedDuration::from_secs(2);

type Parse<T> = Box<dyn Fn(&[StagedSecret]) -> Result<T, UnreadableSecret> + Send + Sync>;

/// One secret, parsed into `T` and cached. It starts empty; only successes are cached; one fetch at a time. While the secret's
/// content does not change, the same `Arc` is returned.
pub struct SecretCache<T> {
    id: String,
    stages: &'static [Stage],
    source: Arc<dyn SecretSource>,
    parse: Parse<T>,
    clock: Arc<dyn Clock>,
    state: Mutex<State<T>>,
}

struct State<T> {
    held: Option<Held<T>>,
    tried_at: Option<Timestamp>,
    failure: Option<SecretError>,
}

struct Held<T> {
    value: Arc<T>,
    found: Vec<StagedSecret>,
    fetched_at: Timestamp,
}

impl<T> SecretCache<T> {
    /// A cache of the secret `id`. `parse` gets the values of all `stages` that have one, in the order of `stages`.
    pub fn new(
        source: Arc<dyn SecretSource>,
        id: impl Into<String>,
        stages: &'static [Stage],
        clock: Arc<dyn Clock>,
        parse: impl Fn(&[StagedSecret]) -> Result<T, UnreadableSecret> + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State {
            held: None,
            tried_at: None,
            failure: None,
        });
        Self {
            id: id.into(),
            stages,
            source,
            parse: Box::new(parse),
            clock,
            state,
        }
    }

    /// A cache of the current value of a secret.
    pub fn current(
        source: Arc<dyn SecretSource>,
        id: impl Into<String>,
        clock: Arc<dyn Clock>,
        parse: impl Fn(&SecretString) -> Result<T, UnreadableSecret> + Send + Sync + 'static,
    ) -> Self {
        Self::new(source, id, Stage::CURRENT, clock, move |found| {
            let secret = found
                .first()
                .ok_or_else(|| UnreadableSecret::because("the secret has no current value"))?;
            parse(&secret.value)
        })
    }

    /// The secret: the cached one while it is fresh, else a new one, else the cached one while it is usable.
    ///
    /// # Errors
    /// If the fetch fails and no usable value is cached. Retried every two seconds at most.
    pub async fn get(&self, context: &Context) -> Result<Arc<T>, SecretError> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        let usable = match &state.held {
            Some(held) if within(held.fetched_at, now, FRESH_FOR) => return Ok(Arc::clone(&held.value)),
            Some(held) if within(held.fetched_at, now, USABLE_FOR) => Some(Arc::clone(&held.value)),
            _ => None,
        };
        if let Some(value) = &usable
            && state.tried_at.is_some_and(|at| within(at, now, RETRY_AFTER))
        {
            return Ok(Arc::clone(value));
        }
        if usable.is_none()
            && let Some(failure) = &state.failure
            && state.tried_at.is_some_and(|at| within(at, now, RETRY_EMPTY_AFTER))
        {
            return Err(failure.clone());
        }
        match (self.fetch(&mut state, context, now).await, usable) {
            (Ok(value), _) => Ok(value),
            (Err(error), Some(value)) => {
                let error = crate::causes::in_one_line(&error);
                tracing::warn!(secret_id = %self.id, error, "refreshing a secret failed; using its last valid value");
                Ok(value)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The cached secret while it is usable, without fetching: for a caller without time for a fetch.
    pub async fn kept(&self) -> Option<Arc<T>> {
        let state = self.state.lock().await;
        let now = self.clock.now();
        let held = state
            .held
            .as_ref()
            .filter(|held| within(held.fetched_at, now, USABLE_FOR));
        held.map(|held| Arc::clone(&held.value))
    }

    /// Fetches unless the last attempt is younger than `age`: for a caller whose secret was just rejected, or failed to verify
    /// something, and may have been rotated. `None`: nothing was fetched. The limit prevents forged requests from causing calls to
    /// the source.
    ///
    /// # Errors
    /// If the fetch failed; [`SecretCache::get`] then still returns the cached value while that is usable.
    pub async fn refresh_if_older_than(
        &self,
        age: SignedDuration,
        context: &Context,
    ) -> Result<Option<Arc<T>>, SecretError> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        if state.tried_at.is_some_and(|at| within(at, now, age)) {
            return Ok(None);
        }
        self.fetch(&mut state, context, now).await.map(Some)
    }

    /// Fetches regardless of the cache: for a rare caller that must not use a secret that was just replaced.
    ///
    /// # Errors
    /// If the fetch failed, even with a usable cached value.
    pub async fn reload(&self, context: &Context) -> Result<Arc<T>, SecretError> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        self.fetch(&mut state, context, now).await
    }

    async fn fetch(&self, state: &mut State<T>, context: &Context, now: Timestamp) -> Result<Arc<T>, SecretError> {
        state.tried_at = Some(now);
        let fetched = self.fetch_and_cache(state, context, now).await;
        state.failure = fetched.as_ref().err().cloned();
        fetched
    }

    async fn fetch_and_cache(
        &self,
        state: &mut State<T>,
        context: &Context,
        now: Timestamp,
    ) -> Result<Arc<T>, SecretError> {
        let fetches = self
            .stages
            .iter()
            .map(|stage| self.source.get(context, &self.id, *stage));
        let values = try_join_all(fetches).await.map_err(|source| SecretError::Unavailable {
            id: self.id.clone(),
            source,
        })?;
        let found = self.stages.iter().zip(values);
        let found: Vec<_> = found
            .filter_map(|(stage, value)| {
                Some(StagedSecret {
                    stage: *stage,
                    value: value?,
                })
            })
            .collect();
        if let Some(held) = &mut state.held
            && same(&held.found, &found)
        {
            // The same `Arc` is returned, so that nothing built from it needs a rebuild.
            held.fetched_at = now;
            return Ok(Arc::clone(&held.value));
        }
        let value = (self.parse)(&found).map_err(|source| SecretError::Unusable {
            id: self.id.clone(),
            source,
        })?;
        let value = Arc::new(value);
        state.held = Some(Held {
            value: Arc::clone(&value),
            found,
            fetched_at: now,
        });
        Ok(value)
    }
}

/// Whether the same stages hold the same values. Both sides come from the source, so the comparison's time reveals nothing.
fn same(one: &[StagedSecret], other: &[StagedSecret]) -> bool {
    let equal =
        |a: &StagedSecret, b: &StagedSecret| a.stage == b.stage && a.value.expose_secret() == b.value.expose_secret();
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| equal(a, b))
}

/// Whether `then` is less than `span` before `now`. A clock that was set back makes values look young, never old.
fn within(then: Timestamp, now: Timestamp, span: SignedDuration) -> bool {
    now.duration_since(then) < span
}

impl<T> std::fmt::Debug for SecretCache<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretCache")
            .field("id", &self.id)
            .field("stages", &self.stages)
            .finish_non_exhaustive()
    }
}
