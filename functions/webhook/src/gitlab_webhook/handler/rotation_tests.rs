//! The rotation of a hook's signing token in its three stages, as in docs/operate/rotation.md: GitLab keeps sending to execution
//! environments that read the secret at different times.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use runtime::secrets::Stage;

use crate::fixtures::{Bench, KEY, NEXT_KEY, NOW, event, merged, secret, signed_at};

/// How long the operator waits between two stages, seconds: as long as an environment may cache the secret.
const WAIT: i64 = 300;
/// How long before the rotation each environment read the secret, seconds.
const READ_BEFORE: [i64; 4] = [299, 140, 31, 0];

/// The secret at Secrets Manager, and the environments that read it.
struct Rotation {
    stages: Arc<Mutex<HashMap<Stage, String>>>,
    environments: Vec<Bench>,
}

impl Rotation {
    async fn before() -> Self {
        let stages = Arc::new(Mutex::new(HashMap::from([(Stage::Current, secret(&[KEY]))])));
        let environments = READ_BEFORE.map(|_| {
            let stages = Arc::clone(&stages);
            Bench::staged(move |stage| stages.lock().unwrap().get(&stage).cloned())
        });
        let environments = Vec::from(environments);
        for (environment, ago) in environments.iter().zip(READ_BEFORE) {
            assert!(accepts(environment, -ago, KEY).await);
        }
        Self { stages, environments }
    }

    /// `put-secret-value --version-stages AWSPENDING`.
    fn put_pending(&self, key: &str) {
        self.stages.lock().unwrap().insert(Stage::Pending, secret(&[key]));
    }

    /// `update-secret-version-stage`, which makes the pending value current and the one before it previous.
    fn promote(&self) {
        let mut stages = self.stages.lock().unwrap();
        let (pending, current) = (stages.remove(&Stage::Pending), stages.remove(&Stage::Current));
        stages.extend(pending.map(|value| (Stage::Current, value)));
        stages.extend(current.map(|value| (Stage::Previous, value)));
    }

    /// `put-secret-value` again with the current value, which invalidates the previous one.
    fn put_again(&self) {
        let mut stages = self.stages.lock().unwrap();
        let current = stages.get(&Stage::Current).cloned();
        stages.extend(current.map(|value| (Stage::Previous, value)));
    }

    /// Every environment accepts a delivery signed with this key at this second of the rotation.
    async fn all_accept(&self, second: i64, key: &str) {
        for (environment, ago) in self.environments.iter().zip(READ_BEFORE) {
            assert!(
                accepts(environment, second, key).await,
                "second {second}: rejected by the environment that read the secret {ago} s before the rotation"
            );
        }
    }
}

/// Whether a delivery signed with this key is authentic.
async fn accepts(environment: &Bench, second: i64, key: &str) -> bool {
    let at = NOW + second;
    environment.clock.0.store(at, Ordering::Relaxed);
    let body = merged().to_string();
    // The queue is unreachable here; only the verification counts.
    environment
        .serve(&event(&signed_at(at, key, body.as_bytes()), &body))
        .await;
    let last = environment.verifications().pop().unwrap();
    last["details"]["result"] == "valid"
}

#[tokio::test]
async fn signing_token_rotation_loses_no_delivery() {
    let rotation = Rotation::before().await;
    rotation.put_pending(NEXT_KEY);
    for second in [1, 31, WAIT - 1] {
        rotation.all_accept(second, KEY).await;
    }
    // GitLab has the new token; deliveries signed before are still in transit.
    for second in [WAIT + 1, WAIT + 2, 2 * WAIT - 1] {
        rotation.all_accept(second, NEXT_KEY).await;
        rotation.all_accept(second, KEY).await;
    }
    rotation.promote();
    for second in [2 * WAIT + 1, 2 * WAIT + 31, 3 * WAIT - 1] {
        rotation.all_accept(second, NEXT_KEY).await;
        rotation.all_accept(second, KEY).await;
    }
    rotation.put_again();
    rotation.all_accept(3 * WAIT + 1, NEXT_KEY).await;
    rotation.all_accept(4 * WAIT + 1, NEXT_KEY).await;
    for environment in &rotation.environments {
        assert!(
            !accepts(environment, 4 * WAIT + 2, KEY).await,
            "the old token is no longer valid"
        );
    }
}

#[tokio::test]
async fn without_the_wait_a_delivery_would_be_lost() {
    let rotation = Rotation::before().await;
    rotation.put_pending(NEXT_KEY);
    let mut accepted = Vec::new();
    for environment in &rotation.environments {
        accepted.push(accepts(environment, 1, NEXT_KEY).await);
    }
    // An unknown signature makes an environment read the secret again, unless it has done so within the last half minute.
    assert_eq!(accepted, [true, true, true, false]);
}

#[tokio::test]
async fn rotation_without_the_pending_stage_loses_deliveries() {
    let rotation = Rotation::before().await;
    // The new value is immediately current; the old one is still valid as the previous one, until the new one is put a second time.
    rotation.put_pending(NEXT_KEY);
    rotation.promote();
    rotation.put_again();
    let mut accepted = Vec::new();
    for environment in &rotation.environments {
        accepted.push(accepts(environment, WAIT + 1, KEY).await);
    }
    assert_eq!(accepted, [false; 4], "GitLab still signs with the old token");
}
