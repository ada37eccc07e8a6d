//! `GET .../resource_label_events`: when labels were added and removed (<https://docs.gitlab.com/api/resource_label_events/>).

use audit::{Action, Context};
use jiff::Timestamp;
use model::{LabelEvent, MergeRequestKey, Reading, User};
use serde::Deserialize;

use super::GitLab;
use super::facts::reading;
use super::json::UserJson;
use crate::CallError;

#[derive(Debug, Deserialize)]
struct LabelEventJson {
    user: Option<UserJson>,
    created_at: Timestamp,
    label: Option<LabelJson>,
    action: ActionJson,
}

#[derive(Debug, Deserialize)]
struct LabelJson {
    id: Option<i64>,
    name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionJson {
    Add,
    Remove,
}

impl GitLab {
    /// Every label event that GitLab still has; `Unknown` if it withholds them (no permission, too old).
    ///
    /// # Errors
    /// [`CallError`] if GitLab cannot be read now, or rejects the token.
    pub async fn label_events(
        &self,
        context: &Context,
        key: &MergeRequestKey,
    ) -> Result<Reading<Vec<LabelEvent>>, CallError> {
        let action = Action::GitlabGetMrLabelEvents;
        let events = self
            .list_of_merge_request(context, action, key, "resource_label_events")
            .await;
        reading(events.map(|events: Vec<LabelEventJson>| events.into_iter().map(LabelEvent::from).collect()))
    }
}

impl From<LabelEventJson> for LabelEvent {
    fn from(event: LabelEventJson) -> Self {
        let (label_id, label) = event.label.map(|label| (label.id, label.name)).unwrap_or_default();
        Self {
            label,
            label_id,
            added: event.action == ActionJson::Add,
            at: event.created_at,
            actor: event.user.map(User::from),
        }
    }
}
