//! When a secret is fetched, when the cached one is used, when it fails closed, and that content is never shown.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use audit::{ActorType, FailureClass};
use jiff::{SignedDuration, Timestamp};
use model::Clock;
use uuid::Uuid;

use super::*;

/// A clock and a source in one: the test sets the time, the content of each stage, and how the fetch fails.
#[derive(Debug)]
struct World {
    now: Mutex<Timestamp>,
    values: Mutex<Result<Vec<(Stage, &'static str)>, FailureClass>>,
    fetches: AtomicU32,
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
}

impl World {
    fn new() -> Arc<Self> {
        let now = Mutex::new("2026-01-31T12:00:00Z".parse().unwrap());
        Arc::new(Self {
            now,
            values: Mutex::new(Ok(vec![(Stage::Current, "one")])),
            fetches: AtomicU32::new(0),
        })
    }

    fn pass(&self, seconds: i64) {
        *self.now.lock().unwrap() += SignedDuration::from_secs(seconds);
    }

    fn set(&self, value: &'static str) {
        *self.values.lock().unwrap() = Ok(vec![(Stage::Current, value)]);
    }

    fn fail(&self, class: FailureClass) {
        *self.values.lock().unwrap() = Err(class);
    }

    fn fetches(&self) -> u32 {
        self.fetches.load(Ordering::Relaxed)
    }

    fn cache(self: &Arc<Self>, stages: &'static [Stage]) -> SecretCache<String> {
        let clock: Arc<dyn Clock> = Arc::clone(self) as Arc<dyn Clock>;
        SecretCache::new(Arc::new(Source(Arc::clone(self))), "webhook", stages, clock, |found| {
            let text = |secret: &StagedSecret| format!("{}={}", secret.stage.as_str(), secret.value.expose_secret());
            let all = found.iter().map(text).collect::<Vec<_>>().join(" ");
            if all.contains("broken") {
                Err(UnreadableSecret::because("it is broken"))
            } else {
                Ok(all)
            }
        })
    }
}

struct Source(Arc<World>);

impl SecretSource for Source {
    fn get<'a>(
        &'a self,
        _: &'a Context,
        _: &'a str,
        stage: Stage,
    ) -> BoxFuture<'a, Result<Option<SecretString>, AwsError>> {
        Box::pin(async move {
            self.0.fetches.fetch_add(1, Ordering::Relaxed);
            // As a real call does: other tasks run meanwhile.
            tokio::task::yield_now().await;
            let values = self.0.values.lock().unwrap();
            let values = values
                .as_ref()
                .map_err(|class| AwsError::new("GetSecretValue", *class))?;
            Ok(values
                .iter()
                .find(|(at, _)| *at == stage)
                .map(|(_, value)| SecretString::from(*value)))
        })
    }
}

fn context() -> Context {
    Context::new(ActorType::WebhookEvent, Uuid::nil())
}

async fn get(cache: &SecretCache<String>) -> Result<String, FailureClass> {
    match cache.get(&context()).await {
        Ok(value) => Ok(value.as_ref().clone()),
        Err(SecretError::Unavailable { source, .. }) => Err(source.class()),
        Err(SecretError::Unusable { .. }) => Err(FailureClass::InvalidResponse),
    }
}

#[tokio::test]
async fn a_value_is_fetched_once_in_five_minutes() {
    let world = World::new();
    let cache = world.cache(Stage::CURRENT);
    assert_eq!(get(&cache).await.unwrap(), "AWSCURRENT=one");
    world.set("two");
    world.pass(299);
    assert_eq!(get(&cache).await.unwrap(), "AWSCURRENT=one");
    assert_eq!(world.fetches(), 1);
    world.pass(1);
    assert_eq!(get(&cache).await.unwrap(), "AWSCURRENT=two");
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn present_stages_are_merged_in_order() {
    let world = World::new();
    *world.values.lock().unwrap() = Ok(vec![(Stage::Previous, "old"), (Stage::Current, "new")]);
    assert_eq!(
        get(&world.cache(&Stage::ALL)).await.unwrap(),
        "AWSCURRENT=new AWSPREVIOUS=old"
    );
    assert_eq!(world.fetches(), 3);
}

#[tokio::test]
async fn cached_value_serves_one_hour_then_fails_closed() {
    for failure in [
        FailureClass::ServerError,
        FailureClass::AuthFailure,
        FailureClass::NotFound,
    ] {
        let world = World::new();
        let cache = world.cache(Stage::CURRENT);
        get(&cache).await.unwrap();
        world.fail(failure);
        world.pass(3599);
        assert_eq!(get(&cache).await.unwrap(), "AWSCURRENT=one");
        world.pass(1);
        assert_eq!(get(&cache).await.unwrap_err(), failure);
        world.set("two");
        world.pass(2);
        assert_eq!(get(&cache).await.unwrap(), "AWSCURRENT=two", "the next success ends it");
    }
}

#[tokio::test]
async fn unreadable_new_content_keeps_the_working_value() {
    let world = World::new();
    let cache = world.cache(Stage::CURRENT);
    get(&cache).await.unwrap();
    world.set("broken");
    world.pass(300);
    assert_eq!(get(&cache).await.unwrap(), "AWSCURRENT=one");
}

#[tokio::test]
async fn outage_limits_fetches_to_one_per_ten_seconds() {
    let world = World::new();
    let cache = world.cache(Stage::CURRENT);
    get(&cache).await.unwrap();
    world.fail(FailureClass::Timeout);
    world.pass(300);
    for _ in 0..20 {
        get(&cache).await.unwrap();
        world.pass(1);
    }
    assert_eq!(world.fetches(), 3, "the first one, and two in twenty seconds");
}

#[tokio::test]
async fn empty_cache_retries_every_two_seconds() {
    let world = World::new();
    world.fail(FailureClass::NetworkError);
    let cache = world.cache(Stage::CURRENT);
    for _ in 0..100 {
        assert_eq!(get(&cache).await.unwrap_err(), FailureClass::NetworkError);
    }
    assert_eq!(world.fetches(), 1);
    world.set("one");
    world.pass(2);
    assert_eq!(get(&cache).await.unwrap(), "AWSCURRENT=one");
}

#[tokio::test]
async fn refused_secret_is_reloaded_within_the_limit() {
    let limit = SignedDuration::from_secs(30);
    let world = World::new();
    let cache = world.cache(Stage::CURRENT);
    get(&cache).await.unwrap();
    world.set("two");
    world.pass(29);
    assert_eq!(cache.refresh_if_older_than(limit, &context()).await, Ok(None));
    assert_eq!(get(&cache).await.unwrap(), "AWSCURRENT=one");
    world.pass(1);
    let fresh = cache.refresh_if_older_than(limit, &context()).await.unwrap();
    assert_eq!(fresh.unwrap().as_str(), "AWSCURRENT=two");
    assert_eq!(get(&cache).await.unwrap(), "AWSCURRENT=two");

    world.fail(FailureClass::Timeout);
    world.pass(30);
    assert!(cache.refresh_if_older_than(limit, &context()).await.is_err());
    assert_eq!(
        cache.refresh_if_older_than(limit, &context()).await,
        Ok(None),
        "a failed attempt counts too"
    );
    assert_eq!(world.fetches(), 3);
    assert_eq!(get(&cache).await.unwrap(), "AWSCURRENT=two");
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_fetch() {
    let world = World::new();
    let cache = world.cache(Stage::CURRENT);
    let all = futures::future::join_all((0..8).map(|_| get(&cache))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn any_stage_function_is_a_secret_source() {
    let source = |stage: Stage| Ok((stage == Stage::Pending).then(|| SecretString::from("two")));
    let cache = SecretCache::new(Arc::new(source), "webhook", &Stage::ALL, World::new(), |found| {
        Ok(found.len())
    });
    assert_eq!(*cache.get(&context()).await.unwrap(), 1);
}

#[test]
fn neither_errors_nor_debug_output_show_any_content() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Expected {
        #[expect(dead_code, reason = "only its form matters here")]
        number: u64,
    }
    let table = [
        (
            r#"{"number":"hunter2"}"#,
            "JSON of an unexpected form at line 1 column 19",
        ),
        (r#"{"hunter2":1}"#, "JSON of an unexpected form at line 1 column 10"),
        ("hunter2", "not JSON at line 1 column 1"),
        (r#"{"number":"hunter2"#, "incomplete JSON at line 1 column 18"),
        ("", "incomplete JSON at line 1 column 0"),
    ];
    for (text, expected) in table {
        let error = from_json::<Expected>(&SecretString::from(text)).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
        let source = error.at(Stage::Pending);
        let error = SecretError::Unusable {
            id: "webhook".to_owned(),
            source,
        };
        assert!(!format!("{error:?} {}", crate::causes::in_one_line(&error)).contains("hunter2"));
    }
    let cache = World::new().cache(Stage::CURRENT);
    assert!(!format!("{cache:?}").contains("one"));
}

#[tokio::test]
async fn built_value_is_rebuilt_only_after_a_change() {
    let world = World::new();
    let built = FromSecrets::new(
        (world.cache(Stage::CURRENT), world.cache(Stage::CURRENT)),
        |(one, other)| Ok(format!("{one} {other}")),
    );
    let context = context();
    let first = built.get(&context).await.unwrap();
    world.pass(301);
    assert!(
        Arc::ptr_eq(&first, &built.get(&context).await.unwrap()),
        "fetched again, but nothing had changed"
    );
    world.set("two");
    world.pass(31);
    built.refused(&context).await;
    assert_eq!(*built.get(&context).await.unwrap(), "AWSCURRENT=two AWSCURRENT=two");
}

#[tokio::test]
async fn value_built_from_one_secret_follows_rotation() {
    let world = World::new();
    let built = FromSecrets::new(world.cache(Stage::CURRENT), |one| Ok(one.to_string()));
    let context = context();
    let first = built.get(&context).await.unwrap();
    assert!(Arc::ptr_eq(&first, &built.get(&context).await.unwrap()));
    world.set("two");
    world.pass(301);
    assert_eq!(*built.get(&context).await.unwrap(), "AWSCURRENT=two");
    assert_eq!(world.fetches(), 2, "nothing else is fetched");
}
