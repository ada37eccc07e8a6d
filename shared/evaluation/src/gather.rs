//! Witness A: read from GitLab before the transaction, and only as much as the merge needs.

use std::time::Duration;

use audit::Context;
use model::{Facts, WitnessA};
use rules::label_in_sight;

use crate::Evaluator;

/// GitLab has this long for all answers together; with more, one slow instance would use up the invocation, and the merge would
/// come round again instead of being kept as pending.
const LONGEST: Duration = Duration::from_secs(8);

impl Evaluator {
    /// What GitLab says about the merge in `facts`. Merge requests that never carried a security label cost one request.
    pub(crate) async fn gather(&self, context: &Context, facts: &Facts, trusted: bool) -> WitnessA {
        let asked = tokio::time::timeout(LONGEST, self.ask(context, facts, trusted)).await;
        asked.unwrap_or_else(|_| WitnessA::Unreadable(format!("GitLab took longer than {} s", LONGEST.as_secs())))
    }

    async fn ask(&self, context: &Context, facts: &Facts, trusted: bool) -> WitnessA {
        let key = &facts.merge_request;
        let Some(client) = self.instances.get(&key.instance) else {
            let why = format!(
                "the instance {} has no address in the rules or no token in the outbound secret",
                key.instance
            );
            return WitnessA::Unreadable(why);
        };
        let nothing = model::Reading::Known(Vec::new());
        // Of a delivery that is not trusted the labels are unknown: everything is asked.
        if trusted && !label_in_sight(facts, &nothing, &self.rules) {
            match client.label_events(context, key).await {
                Ok(label_events) if !label_in_sight(facts, &label_events, &self.rules) => {
                    return WitnessA::NotAsked { label_events };
                }
                Ok(_) => (),
                Err(error) => return WitnessA::Unreadable(error.to_string()),
            }
        }
        client
            .merge_facts(context, key, &self.rules.approvers, self.clock.now())
            .await
    }
}
