//! GraphQL: Countersign's only query, `project { mergeRequest { committers } }`.
//!
//! Like GitLab, it also answers 200 where something is missing; then a part of the path is null
//! (<https://docs.gitlab.com/api/graphql/>).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::received::Received;
use super::world::{Found, World};
use super::{message, world};

const PER_PAGE: usize = 100;

pub(super) fn answer(world: &World, request: &Received) -> Answer {
    let token = request.header("private-token").filter(|token| !token.is_empty());
    if !world.accepts(token.or(request.bearer_token())) {
        return message(StatusCode::UNAUTHORIZED, "Invalid token");
    }
    let query: Option<Value> = serde_json::from_slice(&request.body).ok();
    let variable = |name: &str| query.as_ref().and_then(|query| query["variables"][name].as_str());
    let (true, Some(path), Some(iid)) = (request.method == Method::POST, variable("path"), variable("iid")) else {
        return Answer::json(
            StatusCode::OK,
            &json!({"errors": [{"message": "Variables are missing"}]}),
        );
    };
    if world.old_gitlab {
        let error = json!({"errors": [{"message": "Field 'committers' doesn't exist on type 'MergeRequest'"}]});
        return Answer::json(StatusCode::OK, &error);
    }
    let merge_request = match world.project(path) {
        Found::Here(_, project) => iid.parse().ok().and_then(|iid: u64| project.merge_requests.get(&iid)),
        Found::Moved(_) | Found::Nowhere => None,
    };
    let found = merge_request.map(|merge_request| committers(merge_request, variable("after")));
    Answer::json(
        StatusCode::OK,
        &json!({"data": {"project": found.map(|found| json!({"mergeRequest": found}))}}),
    )
}

fn committers(merge_request: &world::MergeRequest, after: Option<&str>) -> Value {
    let from: usize = after.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let page = merge_request.committers.iter().skip(from).take(PER_PAGE);
    let nodes: Vec<Value> = page
        .map(|id| json!({"id": format!("gid://gitlab/User/{id}")}))
        .collect();
    let end = from.saturating_add(nodes.len());
    let more = end < merge_request.committers.len();
    json!({"committers": {"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": more.then(|| end.to_string())}}})
}
