//! The world: its first content, and changes by a merge patch.

use serde_json::json;

use super::data;
use crate::linear::{Attachment, start};

#[tokio::test]
async fn default_world_has_one_issue_in_progress() {
    let linear = start().await;
    let issue = linear.issue("eng-123").unwrap();
    assert_eq!(
        (issue.identifier.as_str(), issue.state.as_str(), issue.labels),
        ("ENG-123", "In Progress", vec!["backend".to_owned()])
    );
    let query = "query($id: String!) { issue(id: $id) { team { key states { nodes { name type position } } } } }";
    let team = data(&linear, query, &json!({"id": "ENG-123"}));
    let states: Vec<_> = team["issue"]["team"]["states"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|state| (state["name"].as_str().unwrap(), state["type"].as_str().unwrap()))
        .collect();
    let expected = [
        ("Backlog", "backlog"),
        ("Todo", "unstarted"),
        ("In Progress", "started"),
        ("Done", "completed"),
        ("Canceled", "canceled"),
        ("Duplicate", "duplicate"),
    ];
    assert_eq!(states, expected);
}

#[tokio::test]
async fn a_merge_patch_makes_a_world() {
    let linear = start().await;
    let patch = json!({
        "labels": {"5d8f4c1e-0b1a-4c53-9b0e-7a4f6f2f9c11": {"name": "security::high", "team": "ENG"}},
        "issues": {"ENG-124": {
            "title": "Patched", "state": "Done", "labels": ["5d8f4c1e-0b1a-4c53-9b0e-7a4f6f2f9c11"],
            "attachments": [{"url": "https://gitlab.example/7", "title": "!7"}], "comments": [{"body": "Hello"}],
        }},
    });
    linear.patch(patch).unwrap();
    let issue = linear.issue("ENG-124").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("Done", vec!["security::high".to_owned()])
    );
    let Attachment { id, url, .. } = &issue.attachments[0];
    assert_eq!(
        (id.len(), url.as_str(), issue.comments[0].body.as_str()),
        (36, "https://gitlab.example/7", "Hello")
    );
    linear.patch(json!({"colour": "red"})).unwrap_err();
    linear.reset();
    assert_eq!(linear.issue("ENG-124"), None);
}
