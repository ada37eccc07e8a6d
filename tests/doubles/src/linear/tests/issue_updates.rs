//! Updates of an issue's state and labels.

use serde_json::json;

use super::{data, error, input_error, update};
use crate::linear::start;

#[tokio::test]
async fn an_update_changes_state_and_labels() {
    let linear = start().await;
    let (done, high, backend, todo) = linear.world(|world| {
        let done = world.state_id("ENG", "Done").unwrap();
        let todo = world.state_id("ENG", "Todo").unwrap();
        (
            done,
            world.label(Some("ENG"), "high"),
            world.label(Some("ENG"), "backend"),
            todo,
        )
    });
    assert_eq!(
        update(&linear, &json!({"stateId": done, "addedLabelIds": [high]})).status,
        200
    );
    let issue = linear.issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("Done", vec!["backend".to_owned(), "high".to_owned()])
    );
    let query = "{ issue(id: \"ENG-123\") { completedAt canceledAt } }";
    let times = data(&linear, query, &json!({}));
    assert!(
        times["issue"]["completedAt"].as_str().unwrap().ends_with('Z'),
        "{times}"
    );
    update(&linear, &json!({"stateId": todo, "removedLabelIds": [backend]}));
    let issue = linear.issue("ENG-123").unwrap();
    assert_eq!((issue.state.as_str(), issue.labels), ("Todo", vec!["high".to_owned()]));
    assert_eq!(data(&linear, query, &json!({}))["issue"]["completedAt"], json!(null));
    update(&linear, &json!({"labelIds": [backend]}));
    assert_eq!(linear.issue("ENG-123").unwrap().labels, ["backend"]);
}

#[tokio::test]
async fn invalid_update_changes_nothing() {
    let linear = start().await;
    let (theirs, label, group) = linear.world(|world| {
        world.team("OPS", "Operations");
        let group = world.label(Some("ENG"), "security");
        world.labels.get_mut(&group).unwrap().is_group = true;
        (
            world.state_id("OPS", "Done").unwrap(),
            world.label(Some("OPS"), "high"),
            group,
        )
    });
    let before = linear.issue("ENG-123");
    let discrepancy = "Discrepancy between issue team and state, cycle or project.";
    let grouped = "The label 'security' is a group and cannot be assigned to issues directly.";
    for (input, message, presentable) in [
        (json!({"stateId": theirs}), discrepancy, discrepancy),
        (
            json!({"addedLabelIds": [label]}),
            "labelIds for incorrect team",
            "The label 'high' is not associated with the same team as the issue.",
        ),
        (json!({"labelIds": [group]}), grouped, grouped),
        (
            json!({"title": "x", "labelIds": ["nowhere"]}),
            "Entity not found in validateAccess: labelIds",
            "labelIds contained an entry that could not be found.",
        ),
    ] {
        assert_eq!(
            error(&update(&linear, &input)),
            input_error(message, presentable),
            "{input}"
        );
    }
    assert_eq!(linear.issue("ENG-123"), before);
}
