//! `issue/{key}/comment`: paged comments, and adding one.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{ACCOUNT, person};
use super::refusal::{Refusal, json_answer, object};
use super::world::{Comment, Deployment, World};
use super::{Answer, Received};

/// The longest text that Jira accepts by default, in characters.
const LONGEST: usize = 32_767;
/// Cloud's page size; the double enforces it on larger requests, as Cloud may. Data Center sends all requested comments.
const PAGE: usize = 100;

/// One page of comments, oldest first unless `orderBy=-created`.
pub(super) fn list(world: &World, key: &str, request: &Received) -> Result<Answer, Refusal> {
    let start = number(request, "startAt")?.unwrap_or(0);
    let asked = number(request, "maxResults")?;
    let most = match world.deployment {
        Deployment::Cloud => asked.unwrap_or(PAGE).min(PAGE),
        Deployment::DataCenter => asked.unwrap_or(1_048_576),
    };
    let mut comments: Vec<_> = world.issues[key].comments.iter().collect();
    comments.sort_by_key(|comment| comment.created);
    match request.query_parameter("orderBy").as_deref().map(str::trim) {
        None | Some("" | "created" | "+created") => {}
        Some("-created") => comments.reverse(),
        Some(other) => return Err(Refusal::bad(format!("Cannot order by '{other}'."))),
    }
    let page: Vec<_> = comments
        .iter()
        .skip(start)
        .take(most)
        .map(|comment| shape(world, key, comment, &request.base_url()))
        .collect();
    Ok(json_answer(
        StatusCode::OK,
        &json!({"startAt": start, "maxResults": most, "total": comments.len(), "comments": page}),
    ))
}

fn number(request: &Received, name: &str) -> Result<Option<usize>, Refusal> {
    request
        .query_parameter(name)
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| Refusal::bad(format!("The value of '{name}' is not a number.")))
}

/// Adds a comment by the API's account.
pub(super) fn add(world: &mut World, key: &str, request: &Received) -> Result<Answer, Refusal> {
    let body = object(request)?;
    let text = match body.get("body") {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) => "",
        Some(_) => return Err(Refusal::bad("Can not deserialize instance of java.lang.String")),
    };
    if !world.issues[key].commentable {
        return Err(Refusal::bad(format!(
            "{ACCOUNT}, you do not have the permission to comment on this issue."
        )));
    }
    if text.trim().is_empty() {
        return Err(Refusal::field("comment", "Comment body can not be empty!"));
    }
    if text.chars().count() > LONGEST {
        return Err(Refusal::field(
            "comment",
            "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
        ));
    }
    let comment = Comment {
        id: world.next_id().to_string(),
        author: ACCOUNT.to_owned(),
        body: text.to_owned(),
        created: Some(request.time),
    };
    let answer = shape(world, key, &comment, &request.base_url());
    if let Some(issue) = world.issues.get_mut(key) {
        issue.comments.push(comment);
    }
    Ok(json_answer(StatusCode::CREATED, &answer))
}

fn shape(world: &World, key: &str, comment: &Comment, base: &str) -> Value {
    let author = person(world.deployment, &comment.author, base);
    let time = comment.created.map(instant);
    let mut shape = json!({
        "self": format!("{base}/rest/api/2/issue/{}/comment/{}", world.issues[key].id, comment.id),
        "id": comment.id,
        "author": author,
        "body": comment.body,
        "updateAuthor": author,
        "created": time,
        "updated": time,
    });
    if world.deployment == Deployment::Cloud {
        shape["jsdPublic"] = json!(true);
    }
    shape
}

/// A time in Jira's format: `2026-03-02T10:00:00.000+0000`.
fn instant(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}
