//! Witness A: read from GitLab before the transaction, and only as much as the merge needs.

use std::time::Duration;

use audit::Context;
use jiff::Timestamp;
use model::{Facts, LabelsRead, WitnessA};
use rules::label_in_sight;

use crate::Evaluator;

/// GitLab has this long for all answers together; with more, one slow instance would use up the invocation, and the merge would
/// come round again instead of being kept as pending.
const LONGEST: Duration = Duration::from_secs(8);

impl Evaluator {
    /// What GitLab says about the merge in `facts`. One that never carried a security label costs two requests.
    pub(crate) async fn gather(&self, context: &Context, facts: &Facts) -> WitnessA {
        let key = &facts.merge_request;
        let (Some(client), Some(approvers)) = (self.instances.get(&key.instance), self.rules.approvers(&key.instance))
        else {
            return unknown_instance(facts);
        };
        let wanted = |labels: &LabelsRead| label_in_sight(facts, labels, &self.rules);
        let asked = client.merge_facts(context, key, approvers, self.clock.now(), wanted);
        in_time(Box::pin(asked)).await
    }

    /// What GitLab says about a merge request that need not be merged.
    pub(crate) async fn gather_review(&self, context: &Context, facts: &Facts, now: Timestamp) -> WitnessA {
        let key = &facts.merge_request;
        let (Some(client), Some(approvers)) = (self.instances.get(&key.instance), self.rules.approvers(&key.instance))
        else {
            return unknown_instance(facts);
        };
        let asked = client.review_facts(context, key, approvers, now, |_| true);
        in_time(Box::pin(asked)).await
    }
}

fn unknown_instance(facts: &Facts) -> WitnessA {
    let why = format!(
        "the instance {} has no address in the rules or no token in the outbound secret",
        facts.merge_request.instance
    );
    WitnessA::Unreadable(why.into())
}

async fn in_time(asked: impl Future<Output = WitnessA>) -> WitnessA {
    let slow = || WitnessA::Unreadable(format!("GitLab took longer than {} s", LONGEST.as_secs()).into());
    tokio::time::timeout(LONGEST, asked).await.unwrap_or_else(|_| slow())
}
