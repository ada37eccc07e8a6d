//! A target as one text.

use serde_json::{Map, Value};

/// A target as one text: `merge_request:main/7301!811`, `project:main/7301`, `slack_channel:C0SECLEAD`. `None`: it has no type.
#[must_use]
pub fn target_key(target: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| target.get(name).and_then(Value::as_str);
    let number = |name: &str| target.get(name).and_then(Value::as_i64);
    let mut key = text("resource_type").filter(|kind| !kind.is_empty())?.to_owned();
    key.push(':');
    if let Some(instance) = text("instance") {
        key.push_str(instance);
        key.push('/');
    }
    if let Some(project) = number("project_id") {
        key.push_str(&project.to_string());
    }
    if let Some(iid) = number("mr_iid") {
        key.push('!');
        key.push_str(&iid.to_string());
    }
    if let Some(id) = text("id") {
        key.push_str(id);
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn target_key_runs_from_general_to_specific() {
        for (target, expected) in [
            (
                json!({"resource_type": "merge_request", "instance": "main", "project_id": 7301, "mr_iid": 811}),
                Some("merge_request:main/7301!811"),
            ),
            (
                json!({"resource_type": "project", "instance": "main", "project_id": 7301}),
                Some("project:main/7301"),
            ),
            (
                json!({"resource_type": "project", "project_id": 7301}),
                Some("project:7301"),
            ),
            (
                json!({"resource_type": "user", "instance": "main", "id": "501"}),
                Some("user:main/501"),
            ),
            (
                json!({"resource_type": "slack_channel", "id": "C0SECLEAD"}),
                Some("slack_channel:C0SECLEAD"),
            ),
            (json!({"resource_type": "endpoint"}), Some("endpoint:")),
            (json!({"resource_type": ""}), None),
            (json!({"id": "C0SECLEAD"}), None),
        ] {
            assert_eq!(target_key(target.as_object().unwrap()).as_deref(), expected, "{target}");
        }
    }
}
