//! Transitions: which are listed, and what they change.

use serde_json::{Value, json};

use super::{call, call_as, errors, get, invalid, refused, transition};
use crate::jira::{Category, Deployment, JiraDouble, start};

fn transition_ids(jira: &JiraDouble) -> Vec<String> {
    let body = get(jira, "issue/PAY-7/transitions").json();
    let listed = body["transitions"].as_array().unwrap();
    listed
        .iter()
        .map(|transition| transition["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn only_transitions_from_the_current_status_are_listed() {
    let jira = start().await;
    assert_eq!(transition_ids(&jira), ["31", "41"]);
    let body = get(&jira, "issue/PAY-7/transitions").json();
    let finish = &body["transitions"][0];
    assert_eq!(
        (&finish["name"], &finish["to"]["name"]),
        (&json!("Finish"), &json!("Done"))
    );
    assert_eq!(finish["to"]["statusCategory"]["key"], "done");
    assert_eq!(
        (&finish["hasScreen"], &finish["isAvailable"]),
        (&json!(false), &json!(true))
    );
    jira.patch(json!({"deployment": "data_center"})).unwrap();
    let body = call_as(&jira, "Bearer pat", "GET", "issue/PAY-7/transitions", &Value::Null).json();
    assert!(body["transitions"][0].get("isAvailable").is_none());
}

#[tokio::test]
async fn a_transition_moves_the_issue_once() {
    let jira = start().await;
    let done = transition(&jira, "PAY-7", "31");
    assert_eq!((done.status, done.body.as_str()), (204, ""));
    let issue = jira.issue("pay-7").unwrap();
    assert_eq!((issue.status.as_str(), issue.category), ("Done", Category::Done));
    assert_eq!(issue.transitioned, ["31"]);
    let expected = refused(400, "Transition id '31' is not valid for this issue.");
    assert_eq!(errors(&transition(&jira, "PAY-7", "31")), expected);
    let nothing = call(&jira, "POST", "issue/PAY-7/transitions", &json!({}));
    assert_eq!(errors(&nothing), refused(400, "Missing 'transition' identifier"));
    assert_eq!(transition_ids(&jira), ["51"]);
}

#[tokio::test]
async fn data_center_explains_an_unavailable_transition() {
    let jira = start().await;
    jira.world(|world| world.deployment = Deployment::DataCenter);
    let body = json!({"transition": {"id": 21}});
    let reply = call_as(&jira, "Bearer pat", "POST", "issue/PAY-7/transitions", &body);
    let (status, messages, _) = errors(&reply);
    assert_eq!(status, 400);
    let text = messages[0].as_str().unwrap();
    assert!(
        text.starts_with("It seems that you have tried to perform a workflow operation (Start)"),
        "{text}"
    );
}

#[tokio::test]
async fn screen_requires_its_fields_and_rejects_others() {
    let jira = start().await;
    jira.world(|world| world.transitions[1].required = vec!["resolution".to_owned()]);
    let listed = get(&jira, "issue/PAY-7/transitions?expand=transitions.fields").json();
    assert_eq!(listed["transitions"][0]["hasScreen"], true);
    assert_eq!(listed["transitions"][0]["fields"]["resolution"]["required"], true);
    assert_eq!(
        errors(&transition(&jira, "PAY-7", "31")),
        invalid("resolution", "Resolution is required.")
    );
    let with = |name: &str, id: &str| {
        let body = json!({"transition": {"id": id}, "fields": {name: {"name": "Done"}}});
        call(&jira, "POST", "issue/PAY-7/transitions", &body)
    };
    assert_eq!(
        errors(&with("resolution", "41")),
        invalid(
            "resolution",
            "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown."
        )
    );
    assert_eq!(with("resolution", "31").status, 204);
}

#[tokio::test]
async fn account_without_permission_has_no_transitions() {
    let jira = start().await;
    jira.patch(json!({"issues": {"PAY-7": {"transitionable": false}}}))
        .unwrap();
    assert_eq!(transition_ids(&jira), [] as [&str; 0]);
    assert_eq!(transition(&jira, "PAY-7", "31").status, 400);
    assert_eq!(jira.issue("PAY-7").unwrap().status, "In Progress");
}
