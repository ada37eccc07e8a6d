//! What was acted on: always a resource type, and the numbers that identify it.

use std::borrow::Cow;

use model::{MergeRequestKey, ProjectId};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Text;

/// Longest text of a target, in characters: its parts together are one index key.
const LONGEST: usize = 200;

/// The target of an action. Only identities, never content; identities are redacted and bounded like every text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Target {
    resource_type: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mr_iid: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text>,
}

impl Target {
    /// A merge request.
    #[must_use]
    pub fn merge_request(key: &MergeRequestKey) -> Self {
        Self {
            resource_type: "merge_request".into(),
            mr_iid: Some(key.mr_iid.0),
            ..Self::project(key.project_id).at(&key.instance)
        }
    }

    /// A project; add the instance with [`Target::at`] if it is known.
    #[must_use]
    pub fn project(project: ProjectId) -> Self {
        Self {
            resource_type: "project".into(),
            project_id: Some(project.0),
            ..Self::default()
        }
    }

    /// Anything else, by type and identity: a channel, a queue, a secret, a user.
    #[must_use]
    pub fn other(resource_type: &'static str, id: impl Into<Text>) -> Self {
        Self {
            resource_type: resource_type.into(),
            id: Some(id.into().shortened(LONGEST)),
            ..Self::default()
        }
    }

    /// The same target on this GitLab instance (its configured name).
    #[must_use]
    pub fn at(mut self, instance: &str) -> Self {
        self.instance = Some(Text::new(instance).shortened(LONGEST));
        self
    }

    /// The target of a line that was [read back](crate::line_schema::parse_line).
    #[must_use]
    pub fn from_parsed(target: &Map<String, Value>) -> Self {
        let text = |name: &str| {
            target
                .get(name)
                .and_then(Value::as_str)
                .map(|text| Text::new(text).shortened(LONGEST))
        };
        let number = |name: &str| target.get(name).and_then(Value::as_i64);
        let resource_type = text("resource_type").map_or_else(|| "unknown".to_owned(), |kind| kind.to_string());
        Self {
            resource_type: resource_type.into(),
            instance: text("instance"),
            project_id: number("project_id"),
            mr_iid: number("mr_iid"),
            id: text("id"),
        }
    }
}
