//! The issue in Jira that tracks a merge: found, marked and linked.

use super::merge::{MergeEffect, NO_ISSUE};
use super::{Applied, EffectError};
use crate::targets::Targets;

pub(super) async fn apply(targets: &Targets, merge: &MergeEffect<'_>) -> Result<Applied, EffectError> {
    let attempt = merge.attempt;
    let Some(rules) = &targets.rules.jira else {
        return Ok(Applied::NotConfigured("Jira"));
    };
    let client = targets.jira.as_ref().map_err(|error| attempt.failed(error.clone()))?;
    let found = client.find(attempt.context, &merge.summary, &rules.tracking).await;
    let Some(issue) = found.map_err(|error| attempt.failed(error))? else {
        let external_id = NO_ISSUE.to_owned();
        return Ok(Applied::Done { external_id });
    };
    let options = merge.tracker_options(targets, issue.key()).await?;
    let marked = client
        .mark(attempt.context, &merge.summary, &issue, rules, options)
        .await;
    let tracked = marked.map_err(|error| attempt.failed(error))?;
    Ok(merge.tracked(tracked, issue.key()))
}
