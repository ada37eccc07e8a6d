//! The hooks in force, from the three stages of the webhook secret.

use std::sync::Arc;

use gitlab::{HookSet, WebhookSecret};
use model::Clock;
use runtime::secrets::{SecretCache, SecretSource, Stage, StagedSecret, Unreadable};

/// The cache of the hooks. All three stages count, so that a rotation loses no delivery and needs no redeployment.
#[must_use]
pub fn cache(source: Arc<dyn SecretSource>, secret_id: &str, clock: Arc<dyn Clock>) -> SecretCache<HookSet> {
    SecretCache::new(source, secret_id, Stage::ALL, clock, read)
}

/// Unites the stages, the current one first. A stage that cannot be read is reported and left out: a rotation that has just begun
/// must not stop deliveries that the current version proves.
fn read(stages: &[StagedSecret]) -> Result<HookSet, Unreadable> {
    let mut readable = Vec::new();
    for stage in stages {
        match WebhookSecret::parse(&stage.value) {
            Ok(secret) => readable.push(secret),
            Err(error) => {
                let stage = stage.stage.as_str();
                tracing::error!(stage, %error, "one version of the webhook secret is not usable");
            }
        }
    }
    if readable.is_empty() {
        return Err(Unreadable::because("no version of it is JSON of the expected form"));
    }
    let (hooks, problems) = HookSet::merge(readable);
    for problem in problems {
        tracing::error!(%problem, "an entry of the webhook secret is not usable");
    }
    Ok(hooks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(stage: Stage, json: &str) -> StagedSecret {
        StagedSecret {
            stage,
            value: json.into(),
        }
    }

    fn hook(name: &str) -> String {
        format!(r#"{{"hooks": [{{"name": "{name}", "instance": "gitlab", "secret_tokens": ["t"]}}]}}"#)
    }

    #[test]
    fn every_readable_stage_counts() {
        let stages = [
            staged(Stage::Current, &hook("a")),
            staged(Stage::Pending, "not filled in yet"),
            staged(Stage::Previous, &hook("b")),
        ];
        let names: Vec<_> = read(&stages)
            .unwrap()
            .hooks()
            .iter()
            .map(|hook| hook.name.clone())
            .collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn without_a_readable_stage_there_is_no_secret() {
        assert!(read(&[]).is_err());
        assert!(read(&[staged(Stage::Current, "hunter2")]).is_err_and(|error| !error.to_string().contains("hunter2")));
    }
}
