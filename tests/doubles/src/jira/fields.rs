//! `GET issue/{key}` and `GET myself`, and the shapes of statuses and people.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::refusal::json_answer;
use super::world::{Category, Deployment, Issue, Status, World};
use super::{Answer, Received};

/// The display name of the API's account.
pub(super) const ACCOUNT: &str = "Countersign";

/// One issue with the requested fields.
pub(super) fn get_issue(world: &World, key: &str, request: &Received) -> Answer {
    let issue = &world.issues[key];
    let base = request.base_url();
    let body = json!({
        "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
        "id": issue.id,
        "self": format!("{base}/rest/api/2/issue/{}", issue.id),
        "key": key,
        "fields": chosen(all(world, key, issue, &base), request.query_parameter("fields").as_deref()),
    });
    json_answer(StatusCode::OK, &body)
}

fn all(world: &World, key: &str, issue: &Issue, base: &str) -> Map<String, Value> {
    let project = key.rsplit_once('-').map_or(key, |(project, _)| project);
    Map::from_iter([
        ("summary".to_owned(), json!(issue.summary)),
        ("labels".to_owned(), json!(issue.labels)),
        ("status".to_owned(), status(&world.status(&issue.status), base)),
        (
            "project".to_owned(),
            json!({
                "self": format!("{base}/rest/api/2/project/{project}"),
                "id": "10000",
                "key": project,
                "name": project,
                "projectTypeKey": "software",
            }),
        ),
    ])
}

/// Jira's field selection: names, `*all`, `*navigable`, and `-name` for exclusion.
fn chosen(fields: Map<String, Value>, wanted: Option<&str>) -> Map<String, Value> {
    let (without, with): (Vec<&str>, Vec<&str>) = wanted
        .into_iter()
        .flat_map(|names| names.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .partition(|name| name.starts_with('-'));
    let everything = with.is_empty() || with.iter().any(|name| name.starts_with('*'));
    fields
        .into_iter()
        .filter(|(name, _)| everything || with.contains(&name.as_str()))
        .filter(|(name, _)| !without.iter().any(|without| without[1..] == **name))
        .collect()
}

/// A status with its category.
pub(super) fn status(status: &Status, base: &str) -> Value {
    let (id, key, colour, name) = match status.category {
        Category::New => (2, "new", "blue-gray", "To Do"),
        Category::Indeterminate => (4, "indeterminate", "yellow", "In Progress"),
        Category::Done => (3, "done", "green", "Done"),
    };
    json!({
        "self": format!("{base}/rest/api/2/status/{}", status.id),
        "description": "",
        "iconUrl": format!("{base}/images/icons/statuses/generic.png"),
        "name": status.name,
        "id": status.id,
        "statusCategory": {
            "self": format!("{base}/rest/api/2/statuscategory/{id}"),
            "id": id,
            "key": key,
            "colorName": colour,
            "name": name,
        },
    })
}

/// The API's account.
pub(super) fn myself(world: &World, request: &Received) -> Answer {
    let mut body = person(world.deployment, ACCOUNT, &request.base_url());
    body["emailAddress"] = json!("countersign@example.com");
    body["locale"] = json!("en_US");
    json_answer(StatusCode::OK, &body)
}

/// A person: Cloud identifies accounts by id, Data Center by name.
pub(super) fn person(deployment: Deployment, name: &str, base: &str) -> Value {
    let handle = name.to_lowercase().replace(' ', "-");
    match deployment {
        Deployment::Cloud => json!({
            "self": format!("{base}/rest/api/2/user?accountId=557058:{handle}"),
            "accountId": format!("557058:{handle}"),
            "accountType": "atlassian",
            "displayName": name,
            "active": true,
            "timeZone": "Etc/UTC",
        }),
        Deployment::DataCenter => json!({
            "self": format!("{base}/rest/api/2/user?username={handle}"),
            "name": handle,
            "key": format!("JIRAUSER-{handle}"),
            "displayName": name,
            "active": true,
            "timeZone": "Etc/UTC",
        }),
    }
}
