//! Labels of teams and of the workspace: found by a filter, and created.

use serde_json::{Value, json};

use super::{ask, data, error, input_error};
use crate::linear::{LinearDouble, start};
use crate::loopback::Reply;

fn create_label(linear: &LinearDouble, input: &Value) -> Reply {
    let mutation = "mutation($input: IssueLabelCreateInput!) {
        issueLabelCreate(input: $input) { success lastSyncId issueLabel { id name color team { key } } } }";
    ask(linear, mutation, &json!({ "input": input }))
}

#[tokio::test]
async fn labels_are_found_by_name_and_team() {
    let linear = start().await;
    linear.world(|world| {
        world.team("OPS", "Operations");
        world.label(Some("OPS"), "Backend");
        world.label(None, "urgent");
    });
    let query = "query($filter: IssueLabelFilter, $after: String, $first: Int) {
        issueLabels(filter: $filter, after: $after, first: $first) {
            nodes { name team { key } } pageInfo { hasNextPage endCursor } } }";
    let names = |filter: Value| -> Vec<String> {
        let labels = data(&linear, query, &json!({ "filter": filter }));
        let mut names: Vec<_> = labels["issueLabels"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|label| {
                let team = label["team"]["key"].as_str().unwrap_or("-");
                format!("{team} {}", label["name"].as_str().unwrap())
            })
            .collect();
        names.sort();
        names
    };
    let team = linear.world(|world| world.teams["ENG"].id.clone());
    assert_eq!(names(json!({"name": {"eq": "backend"}})), ["ENG backend"]);
    assert_eq!(
        names(json!({"name": {"eqIgnoreCase": "BACKEND"}})),
        ["ENG backend", "OPS Backend"]
    );
    assert_eq!(
        names(json!({"name": {"in": ["urgent", "backend"]}})),
        ["- urgent", "ENG backend"]
    );
    let in_team = json!({"name": {"eqIgnoreCase": "Backend"}, "team": {"id": {"eq": team}}});
    assert_eq!(names(in_team), ["ENG backend"]);
    assert_eq!(names(json!({"team": {"null": true}})), ["- urgent"]);
    let either = json!({"or": [{"team": {"null": true}}, {"team": {"key": {"eq": "OPS"}}}], "isGroup": {"eq": false}});
    assert_eq!(names(either), ["- urgent", "OPS Backend"]);

    let page = data(&linear, query, &json!({"first": 2}));
    let info = &page["issueLabels"]["pageInfo"];
    assert_eq!(info["hasNextPage"], true);
    let last = data(&linear, query, &json!({"first": 2, "after": info["endCursor"]}));
    assert_eq!(last["issueLabels"]["nodes"].as_array().map(Vec::len), Some(1));
    assert_eq!(last["issueLabels"]["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn label_is_unique_in_team_and_workspace() {
    let linear = start().await;
    let (eng, ops) = linear.world(|world| {
        world.label(None, "urgent");
        (
            world.teams["ENG"].id.clone(),
            world.team("OPS", "Operations").id.clone(),
        )
    });
    let created = create_label(&linear, &json!({"name": "high", "teamId": eng, "color": "#ff0000"})).json();
    let payload = &created["data"]["issueLabelCreate"];
    assert_eq!(
        (
            &payload["success"],
            &payload["lastSyncId"],
            &payload["issueLabel"]["team"]["key"]
        ),
        (&json!(true), &json!(1.0), &json!("ENG")),
        "{created}"
    );
    for (input, said) in [
        (
            json!({"name": "High", "teamId": eng}),
            "Label \"high\" already exists in team ENG.",
        ),
        (
            json!({"name": "urgent", "teamId": eng}),
            "Label \"urgent\" already exists in the workspace.",
        ),
        (json!({"name": "HIGH"}), "Label \"high\" already exists in team ENG."),
    ] {
        let refused = error(&create_label(&linear, &input));
        assert_eq!(refused, input_error("duplicate label name", said), "{input}");
    }
    assert_eq!(
        create_label(&linear, &json!({"name": "high", "teamId": ops})).status,
        200
    );
    assert_eq!(linear.labels(Some("ENG")), ["backend", "high"]);
    assert_eq!(
        (linear.labels(Some("OPS")), linear.labels(None)),
        (vec!["high".to_owned()], vec!["urgent".to_owned()])
    );
    let no_team = error(&create_label(&linear, &json!({"name": "x", "teamId": "nowhere"})));
    assert_eq!(
        no_team,
        input_error("Entity not found: Team", "Could not find referenced Team.")
    );
}
