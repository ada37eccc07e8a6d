//! `GET /projects/:id/merge_requests/:iid`: whether, when and by whom it was merged
//! (<https://docs.gitlab.com/api/merge_requests/#retrieve-a-merge-request>).

use audit::{Action, Context, Target};
use jiff::Timestamp;
use model::{IssueMention, MergeFact, MergeRequestKey, User};
use serde::Deserialize;

use super::GitLab;
use super::json::{UserJson, null_as_empty};
use crate::CallError;

#[derive(Debug, Deserialize)]
struct MergeRequestJson {
    id: i64,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    web_url: Option<String>,
    state: String,
    author: UserJson,
    #[serde(default, deserialize_with = "null_as_empty")]
    labels: Vec<String>,
    created_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    merged_at: Option<Timestamp>,
    merge_user: Option<UserJson>,
    /// Replaced by `merge_user`; GitLab before 14.7 has only this one.
    merged_by: Option<UserJson>,
    merge_commit_sha: Option<String>,
    squash_commit_sha: Option<String>,
    sha: Option<String>,
    detailed_merge_status: Option<String>,
    merge_when_pipeline_succeeds: Option<bool>,
    auto_merge_strategy: Option<String>,
    references: Option<ReferencesJson>,
    source_branch: Option<String>,
    /// Only searched for issues; it can be a megabyte.
    description: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ReferencesJson {
    full: Option<String>,
}

/// A merge request: merged, or as if it had been merged when it was read.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) mr_id: i64,
    pub(super) title: String,
    pub(super) url: String,
    pub(super) project_path: Option<String>,
    pub(super) author: User,
    pub(super) created_at: Option<Timestamp>,
    pub(super) state: String,
    pub(super) closed_at: Option<Timestamp>,
    pub(super) merge: MergeFact,
    pub(super) labels: Vec<String>,
    pub(super) mentions: Vec<IssueMention>,
}

#[derive(Debug)]
pub(super) enum Seen {
    Merged(Box<Merged>),
    /// GitLab does not show it as merged now.
    NotYet {
        because: String,
        /// Labels on it now.
        labels: Vec<String>,
    },
    /// Merged, but the time is missing.
    WithoutTime {
        because: String,
        /// Labels on it now.
        labels: Vec<String>,
    },
}

impl GitLab {
    /// The merge request itself, and how far GitLab's clock is ahead of ours. With `as_of`, an unmerged one is returned as merged
    /// at that time.
    pub(super) async fn merge_request(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        as_of: Option<Timestamp>,
    ) -> Result<(Seen, i64), CallError> {
        let target = Target::merge_request(key);
        let url = self.merge_request_url(key, None);
        let page = self
            .page::<MergeRequestJson>(context, Action::GitlabGetMrDetails, &target, url)
            .await?;
        let answer = page.content;
        let merged = answer.state == "merged";
        let seen = match as_of {
            Some(at) if !merged => Seen::Merged(Box::new(answer.at(at))),
            _ => answer.into(),
        };
        Ok((seen, page.clock_offset_seconds))
    }
}

impl MergeRequestJson {
    /// The merge request with this merge time.
    fn at(self, merged_at: Timestamp) -> Merged {
        let words =
            [&self.source_branch, &self.title, &self.description].map(|text| text.as_deref().unwrap_or_default());
        let mentions = rules::mentions(words[0], words[1], words[2]);
        let merge_method = merge_method(self.auto_merge_strategy.as_deref(), self.merge_when_pipeline_succeeds);
        Merged {
            mr_id: self.id,
            title: self.title.unwrap_or_default(),
            url: self.web_url.unwrap_or_default(),
            project_path: self.references.and_then(|references| project_path(&references.full?)),
            author: self.author.into(),
            created_at: self.created_at,
            state: self.state,
            closed_at: self.closed_at,
            merge: MergeFact {
                merged_at,
                merge_user: self.merge_user.or(self.merged_by).map(User::from),
                merge_commit_sha: self.merge_commit_sha,
                squash_commit_sha: self.squash_commit_sha,
                head_sha: self.sha,
                merge_method: merge_method.map(str::to_owned),
            },
            labels: self.labels,
            mentions,
        }
    }
}

impl From<MergeRequestJson> for Seen {
    fn from(answer: MergeRequestJson) -> Self {
        let merged_at = match (answer.state.as_str(), answer.merged_at) {
            ("merged", Some(at)) => at,
            ("merged", None) => {
                return Self::WithoutTime {
                    because: "GitLab shows it as merged, but not when".to_owned(),
                    labels: answer.labels,
                };
            }
            _ => {
                // GitLab works on it in the background: the state is about to change.
                let busy = answer
                    .detailed_merge_status
                    .filter(|status| matches!(status.as_str(), "checking" | "approvals_syncing"));
                let busy = busy.map(|status| format!(" ({status})")).unwrap_or_default();
                return Self::NotYet {
                    because: format!("GitLab does not show it as merged yet{busy}"),
                    labels: answer.labels,
                };
            }
        };
        Self::Merged(Box::new(answer.at(merged_at)))
    }
}

/// `group/project!7` names the project; the numeric ids remain the identity.
fn project_path(reference: &str) -> Option<String> {
    let (path, _iid) = reference.rsplit_once('!')?;
    (!path.is_empty()).then(|| path.to_owned())
}

/// GitLab reports automatic merges only; a merge by hand, by a push or through another merge request looks the same.
fn merge_method(strategy: Option<&str>, auto_merge: Option<bool>) -> Option<&'static str> {
    match (strategy, auto_merge) {
        (Some(strategy), _) if strategy.contains("merge_train") => Some("merge_train"),
        (Some(_), _) | (None, Some(true)) => Some("auto_merge"),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(changes: &Value) -> Seen {
        let mut answer = json!({
            "id": 9001, "iid": 7, "title": "Rotate keys", "state": "merged", "labels": ["security::high"],
            "web_url": "https://gitlab.example.com/pay/ledger/-/merge_requests/7",
            "author": {"id": 11, "username": "ada"}, "merge_user": {"id": 12, "username": "bo"},
            "merged_at": "2026-03-01T12:00:00.123Z", "sha": "aa", "merge_commit_sha": null,
            "references": {"full": "pay/ledger!7"}, "a_field_of_tomorrow": {"x": [1]},
        });
        for (name, value) in changes.as_object().unwrap() {
            answer[name] = value.clone();
        }
        serde_json::from_value::<MergeRequestJson>(answer).unwrap().into()
    }

    #[test]
    fn a_merged_one_gives_the_merge_fact() {
        let Seen::Merged(merged) = read(&json!({})) else {
            panic!("not merged")
        };
        assert_eq!(merged.merge.merged_at, "2026-03-01T12:00:00.123Z".parse().unwrap());
        assert_eq!(merged.merge.merge_user.unwrap().username, "bo");
        assert_eq!(merged.project_path.as_deref(), Some("pay/ledger"));
        assert_eq!(merged.labels, ["security::high"]);
    }

    #[test]
    fn old_and_sparse_answers_are_read_too() {
        let sparse =
            json!({"merge_user": null, "merged_by": {"id": 13, "username": "cy"}, "labels": null, "references": null});
        let Seen::Merged(merged) = read(&sparse) else {
            panic!("not merged")
        };
        assert_eq!(merged.merge.merge_user.unwrap().id.0, 13);
        assert!(merged.labels.is_empty() && merged.project_path.is_none());
    }

    #[test]
    fn without_state_and_time_it_is_not_merged() {
        for changes in [
            json!({"state": "opened", "detailed_merge_status": "checking"}),
            json!({"state": "opened", "detailed_merge_status": "approvals_syncing"}),
            json!({"state": "locked"}),
            json!({"state": "closed"}),
            json!({"state": "merged", "merged_at": null}),
        ] {
            assert!(!matches!(read(&changes), Seen::Merged(_)), "{changes}");
        }
    }

    #[test]
    fn merge_method_requires_an_answer_naming_it() {
        for (strategy, auto, expected) in [
            (None, None, None),
            (None, Some(false), None),
            (None, Some(true), Some("auto_merge")),
            (Some("merge_when_checks_pass"), Some(true), Some("auto_merge")),
            (Some("merge_train"), None, Some("merge_train")),
            (
                Some("add_to_merge_train_when_checks_pass"),
                Some(true),
                Some("merge_train"),
            ),
        ] {
            assert_eq!(merge_method(strategy, auto), expected, "{strategy:?} {auto:?}");
        }
    }
}
