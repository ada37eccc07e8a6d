//! Issues that are read, missing, or moved.

use serde_json::{Value, json};

use super::{call_as, errors, get, refused, transition};
use crate::jira::start;

#[tokio::test]
async fn issue_is_read_with_the_requested_fields() {
    let jira = start().await;
    let issue = get(&jira, "issue/pay-7?fields=status,labels,nothing").json();
    assert_eq!((&issue["key"], &issue["id"]), (&json!("PAY-7"), &json!("10100")));
    assert_eq!(issue["fields"]["labels"], json!(["backend"]));
    let status = &issue["fields"]["status"];
    assert_eq!(
        (&status["id"], &status["name"]),
        (&json!("10001"), &json!("In Progress"))
    );
    assert_eq!(
        (&status["statusCategory"]["id"], &status["statusCategory"]["key"]),
        (&json!(4), &json!("indeterminate"))
    );
    assert_eq!(issue["fields"].as_object().unwrap().len(), 2);
    let all = get(&jira, "issue/10100").json();
    assert_eq!(all["fields"]["summary"], "Rotate the signing keys");
    assert_eq!(all["fields"]["project"]["key"], "PAY");
    let without = get(&jira, "issue/PAY-7?fields=*all,-summary").json();
    assert_eq!(without["fields"].as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn a_missing_issue_is_worded_by_deployment() {
    let jira = start().await;
    let expected = refused(404, "Issue does not exist or you do not have permission to see it.");
    assert_eq!(errors(&get(&jira, "issue/PAY-8")), expected);
    assert_eq!(errors(&transition(&jira, "PAY-8", "31")), expected);
    jira.patch(json!({"issues": {"PAY-7": null}, "deployment": "data_center"}))
        .unwrap();
    let reply = call_as(&jira, "Bearer pat", "GET", "issue/PAY-7", &Value::Null);
    assert_eq!(errors(&reply), refused(404, "Issue Does Not Exist"));
    assert_eq!(jira.issue("PAY-7"), None);
}

#[tokio::test]
async fn moved_issue_is_found_under_its_former_key() {
    let jira = start().await;
    jira.patch(json!({"issues": {"SEC-1": {"moved_from": ["PAY-3"]}}}))
        .unwrap();
    assert_eq!(get(&jira, "issue/PAY-3").json()["key"], "SEC-1");
    assert_eq!(transition(&jira, "pay-3", "21").status, 204);
    let issue = jira.issue("PAY-3").unwrap();
    assert_eq!((issue.key.as_str(), issue.status.as_str()), ("SEC-1", "In Progress"));
}
