//! `issue/{key}/remotelink`: external links, created or, under a known `globalId`, replaced.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::refusal::{Refusal, json_answer, object};
use super::world::{RemoteLink, World};
use super::{Answer, Received};

const LONGEST_GLOBAL_ID: usize = 255;

/// All links, or the one with the requested `globalId`.
pub(super) fn list(world: &World, key: &str, request: &Received) -> Result<Answer, Refusal> {
    let links = &world.issues[key].remote_links;
    let body = match request.query_parameter("globalId") {
        None => links.iter().map(|link| shape(key, link, request)).collect(),
        Some(id) => {
            let found = links.iter().find(|link| link.global_id.as_ref() == Some(&id));
            let missing = || {
                Refusal::message(
                    StatusCode::NOT_FOUND,
                    format!("No Remote Issue Link exists for issue '{key}' with globalId '{id}'."),
                )
            };
            shape(key, found.ok_or_else(missing)?, request)
        }
    };
    Ok(json_answer(StatusCode::OK, &body))
}

/// Creates a link (201), or fully replaces the one with the same `globalId` (200).
pub(super) fn put(world: &mut World, key: &str, request: &Received) -> Result<Answer, Refusal> {
    let body = object(request)?;
    let mut link = parse_remote_link(&body)?;
    if !world.issues[key].linkable {
        return Err(Refusal::message(
            StatusCode::FORBIDDEN,
            format!("No Link Issue Permission for issue '{key}'"),
        ));
    }
    link.id = world.next_id();
    let Some(issue) = world.issues.get_mut(key) else {
        return Err(Refusal::no_issue(world.deployment));
    };
    let known = issue
        .remote_links
        .iter_mut()
        .find(|known| known.global_id.is_some() && known.global_id == link.global_id);
    let (status, id) = if let Some(known) = known {
        link.id = known.id;
        *known = link;
        (StatusCode::OK, known.id)
    } else {
        let id = link.id;
        issue.remote_links.push(link);
        (StatusCode::CREATED, id)
    };
    let address = address(key, id, request);
    let answer = json_answer(status, &json!({"id": id, "self": address}));
    Ok(if status == StatusCode::CREATED {
        answer.with_header("location", &address)
    } else {
        answer
    })
}

fn parse_remote_link(body: &Map<String, Value>) -> Result<RemoteLink, Refusal> {
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let link = RemoteLink {
        id: 0,
        global_id: text("globalId"),
        relationship: text("relationship"),
        application: body.get("application").cloned().unwrap_or_else(|| json!({})),
        object: body.get("object").cloned().unwrap_or_default(),
    };
    let mut errors = Map::new();
    for (name, value) in [("title", link.title()), ("url", link.url())] {
        if value.is_empty() {
            errors.insert(name.to_owned(), json!(format!("'{name}' is required.")));
        }
    }
    if !link.url().is_empty() && url::Url::parse(link.url()).is_err() {
        errors.insert("url".to_owned(), json!(format!("'{}' is not a valid URL.", link.url())));
    }
    let length = link.global_id.as_ref().map_or(0, |id| id.chars().count());
    if length > LONGEST_GLOBAL_ID {
        errors.insert(
            "globalId".to_owned(),
            json!(format!("'globalId' is longer than {LONGEST_GLOBAL_ID} characters.")),
        );
    }
    if errors.is_empty() {
        Ok(link)
    } else {
        Err(Refusal::fields(errors))
    }
}

fn shape(key: &str, link: &RemoteLink, request: &Received) -> Value {
    let mut shape = json!({
        "id": link.id,
        "self": address(key, link.id, request),
        "application": link.application,
        "object": link.object,
    });
    if let Some(id) = &link.global_id {
        shape["globalId"] = json!(id);
    }
    if let Some(relationship) = &link.relationship {
        shape["relationship"] = json!(relationship);
    }
    shape
}

fn address(key: &str, id: u64, request: &Received) -> String {
    format!("{}/rest/api/2/issue/{key}/remotelink/{id}", request.base_url())
}
