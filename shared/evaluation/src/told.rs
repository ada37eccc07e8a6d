//! A merge request as people know it, from the best source there is.

use jiff::Timestamp;
use model::{Facts, MergeTrigger, User, WitnessA};

/// The merge as it is told: by the API where it answered, else by the delivery.
pub(crate) struct Told {
    pub(crate) project_path: String,
    pub(crate) mr_id: i64,
    pub(crate) title: String,
    pub(crate) url: String,
    pub(crate) author: Option<User>,
    pub(crate) merged_by: Option<User>,
    pub(crate) merged_at: Timestamp,
    pub(crate) merge_commit_sha: Option<String>,
    pub(crate) head_sha: Option<String>,
}

impl Told {
    pub(crate) fn of(facts: &Facts) -> Self {
        let MergeTrigger {
            merger,
            merged_at,
            mr_id,
            project_path,
            title,
            url,
            head_sha,
            merge_commit_sha,
            ..
        } = facts.trigger.clone();
        match &facts.api {
            WitnessA::Answer(api) => Self {
                project_path: api.project_path.clone().unwrap_or(project_path),
                mr_id: api.mr_id,
                title: api.title.clone(),
                url: api.url.clone(),
                author: Some(api.author.clone()),
                // Whoever pressed the button is the webhook's user; with auto-merge the API names who set it.
                merged_by: api.merge.merge_user.clone().or(merger),
                merged_at: api.merge.merged_at,
                merge_commit_sha: api.merge.merge_commit_sha.clone().or(merge_commit_sha),
                head_sha: api.merge.head_sha.clone().or(head_sha),
            },
            WitnessA::NotAsked(_) | WitnessA::Unreadable(_) | WitnessA::Refused(_) | WitnessA::NotMerged(_) => {
                let merged_at = rules::merged_at_of(&facts.api).unwrap_or(merged_at);
                let author = facts
                    .history
                    .iter()
                    .find(|event| event.action == model::Action::Open && !event.stale);
                let author = author.and_then(|event| event.actor.clone());
                Self {
                    project_path,
                    mr_id,
                    title,
                    url,
                    author,
                    merged_by: merger,
                    merged_at,
                    merge_commit_sha,
                    head_sha,
                }
            }
        }
    }
}
