//! Who may send to this function, from the three stages of its secret.

use std::sync::Arc;

use inbound::gitlab::{HookSet, StreamSource, WebhookSecret};
use inbound::keys::KeyRing;
use inbound::producer::Producer;
use model::Clock;
use runtime::metrics::Metrics;
use runtime::secrets::{SecretCache, SecretSource, Stage, StagedSecret, UnreadableSecret};

/// The senders of every route.
#[derive(Debug, Default)]
pub struct Senders {
    /// The secret could be read.
    pub is_read: bool,
    /// Webhooks of GitLab.
    pub hooks: HookSet,
    /// Services that send entries of the audit log.
    pub producers: KeyRing<Producer>,
    /// GitLab's audit event streams.
    pub streams: KeyRing<StreamSource>,
}

/// The cache of the senders. All three stages count, so that a rotation rejects nothing and needs no redeployment. Problems of the
/// secret are logged and counted when it is read: `webhook_secret_problems`, and `webhook_hooks_unbound` for hooks that are valid
/// for every project.
#[must_use]
pub fn cache(
    source: Arc<dyn SecretSource>,
    secret_id: &str,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
) -> SecretCache<Senders> {
    SecretCache::new(source, secret_id, &Stage::ALL, clock, move |stages| {
        merge_stages(stages, &metrics)
    })
}

/// Merges the stages, the current one first. An unreadable stage is reported and skipped: a rotation that has just begun must not
/// stop deliveries that the current version proves.
fn merge_stages(stages: &[StagedSecret], metrics: &Metrics) -> Result<Senders, UnreadableSecret> {
    let mut readable = Vec::new();
    let mut unusable = 0_u64;
    for stage in stages {
        match WebhookSecret::parse(&stage.value) {
            Ok(secret) => readable.push(secret),
            Err(error) => {
                unusable += 1;
                let stage = stage.stage.as_str();
                tracing::error!(stage, %error, "a version of the webhook secret is invalid");
            }
        }
    }
    if readable.is_empty() {
        metrics.count("webhook_secret_problems", unusable.max(1));
        return Err(UnreadableSecret::because(
            "none of its versions is valid JSON in the expected format",
        ));
    }
    let (producers, producer_problems) =
        KeyRing::merge(readable.iter().map(|secret| secret.audit_producers.as_slice()));
    let (streams, stream_problems) = KeyRing::merge(readable.iter().map(|secret| secret.gitlab_streams.as_slice()));
    let (hooks, hook_problems) = HookSet::merge(readable);
    let key_problems = producer_problems
        .iter()
        .chain(&stream_problems)
        .map(ToString::to_string);
    for problem in hook_problems.iter().map(ToString::to_string).chain(key_problems) {
        unusable += 1;
        tracing::error!(problem, "an entry of the webhook secret is invalid");
    }
    metrics.count("webhook_secret_problems", unusable);
    let mut unbound = 0_u64;
    for hook in hooks.hooks().iter().filter(|hook| !hook.is_bound()) {
        unbound += 1;
        let hook = hook.name.as_str();
        tracing::warn!(
            hook,
            "a hook is valid for every project; restrict it with `projects` or `namespaces`"
        );
    }
    metrics.count("webhook_hooks_unbound", unbound);
    Ok(Senders {
        is_read: true,
        hooks,
        producers,
        streams,
    })
}

#[cfg(test)]
mod tests {
    use model::FixedClock;
    use serde_json::{Value, json};

    use super::*;

    fn staged(stage: Stage, json: &str) -> StagedSecret {
        StagedSecret {
            stage,
            value: json.into(),
        }
    }

    fn merged(stages: &[StagedSecret]) -> Result<Senders, UnreadableSecret> {
        merge_stages(stages, &metrics().0)
    }

    fn metrics() -> (Metrics, runtime::metrics::MetricMemory) {
        Metrics::memory("webhook", Arc::new(FixedClock(jiff::Timestamp::UNIX_EPOCH)))
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
        let names: Vec<_> = merged(&stages)
            .unwrap()
            .hooks
            .hooks()
            .iter()
            .map(|hook| hook.name.clone())
            .collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn without_a_readable_stage_there_is_no_secret() {
        assert!(merged(&[]).is_err());
        assert!(
            merged(&[staged(Stage::Current, "hunter2")]).is_err_and(|error| !error.to_string().contains("hunter2"))
        );
    }

    /// Problems and unbound hooks as counted for these versions.
    fn counted(stages: &[StagedSecret]) -> [Value; 2] {
        let (metrics, lines) = metrics();
        let _ = super::merge_stages(stages, &metrics);
        let lines: Vec<Value> = lines
            .lock()
            .unwrap()
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        ["webhook_secret_problems", "webhook_hooks_unbound"].map(|name| {
            lines
                .iter()
                .find_map(|line| line.get(name).cloned())
                .unwrap_or_default()
        })
    }

    #[test]
    fn problems_and_unbound_hooks_are_counted() {
        let current = |json: &str| staged(Stage::Current, json);
        let bound = r#"{"hooks": [{"name": "a", "instance": "i", "secret_tokens": ["t"], "projects": [7]}]}"#;
        let misspelt = r#"{"hooks": [{"name": "a", "instance": "i", "secret_tokens": ["t"], "project": [7]}]}"#;
        let cases = [
            (vec![current(bound)], [json!(0), json!(0)]),
            (vec![current(&hook("a"))], [json!(0), json!(1)]),
            (
                vec![current(misspelt), staged(Stage::Previous, bound)],
                [json!(1), json!(0)],
            ),
            (
                vec![current(bound), staged(Stage::Pending, "soon")],
                [json!(1), json!(0)],
            ),
            (
                vec![current(
                    r#"{"audit_producers": [{"name": "agent", "key": "short"}], "gitlab_streams": [{"name": "a"}]}"#,
                )],
                [json!(2), json!(0)],
            ),
            (vec![current("soon")], [json!(1), Value::Null]),
            (vec![], [json!(1), Value::Null]),
        ];
        for (stages, expected) in cases {
            assert_eq!(counted(&stages), expected, "{}", stages.len());
        }
    }
}
