//! The row of a merge on the audit page in Confluence.

use clients::confluence::{Recorded, RowPlace};

use super::merge::MergeEffect;
use super::{Applied, EffectError};
use crate::targets::Targets;

pub(super) async fn apply(targets: &Targets, merge: &MergeEffect<'_>) -> Result<Applied, EffectError> {
    let attempt = merge.attempt;
    let Some(rules) = &targets.rules.confluence else {
        return Ok(Applied::NotConfigured("Confluence"));
    };
    let client = targets.confluence.as_ref();
    let client = client.map_err(|error| attempt.failed(error.clone()))?;
    let page = |external_id: &Option<String>| {
        let (page, _version) = external_id.as_deref()?.split_once('@')?;
        Some(page.to_owned())
    };
    let place = RowPlace {
        latest: page(&merge.subject.latest_external_id),
        oldest: page(&merge.subject.oldest_external_id),
        earlier: page(&merge.subject.earlier_external_id),
        anywhere: attempt.check_first,
    };
    let how = (rules, &targets.rules.slack.wording);
    let recorded = client
        .record(attempt.context, &merge.summary, how, &place, merge.read_only)
        .await;
    Ok(match recorded.map_err(|error| attempt.failed(error))? {
        Recorded::Done { page, version } => Applied::Done {
            external_id: format!("{page}@{version}"),
        },
        Recorded::Missing => merge.missing(),
    })
}
