//! A double of the parts of GitLab's REST API v4 that Countersign reads.
//!
//! Its [`World`] holds projects with merge requests, groups with members, and users. The first world has the group 4242
//! `security-team` with two eligible members (501 `sec-alice`, 502 `sec-bob`), a blocked one (503) and a guest (504).
//! A test adds what it needs with a merge patch; people are named by id and are added as users automatically:
//!
//! ```json
//! {"projects": {"77": {"path_with_namespace": "payments/gateway", "merge_requests": {"12": {
//!     "title": "Rotate the signing keys", "state": "merged", "labels": ["security::high"], "author": 601,
//!     "merge_user": 602, "merged_at": "2026-03-02T10:15:00.000Z", "sha": "5f1c...",
//!     "approved_by": [{"user": 501, "approved_at": "2026-03-02T10:00:00.000Z"}],
//!     "label_events": [{"label": "security::high", "action": "add", "user": 601, "created_at": "2026-03-01T09:00:00.000Z"}],
//!     "versions": [{"head_commit_sha": "5f1c...", "patch_id_sha": "77aa...", "created_at": "2026-03-01T09:00:00.000Z"}],
//!     "reviewers": [501]}}}}}
//! ```
//!
//! Shapes follow <https://docs.gitlab.com/api/merge_requests/>, <https://docs.gitlab.com/api/merge_request_approvals/>,
//! <https://docs.gitlab.com/api/resource_label_events/>, <https://docs.gitlab.com/api/group_members/> and
//! <https://docs.gitlab.com/api/users/>; paging, redirects and limits <https://docs.gitlab.com/api/rest/>.

mod approvals;
mod build;
mod graphql;
mod merge_requests;
mod paging;
mod people;
mod throttle;
mod world;

pub use world::{
    Approval, ApprovalRule, Group, LabelEvent, Member, MergeRequest, Person, Project, RateLimited, Reviewer, User,
    Version, World,
};

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{Answer, Double, Received, System};

/// A running double of GitLab.
pub type GitLabDouble = Double<GitLab>;

/// Starts a GitLab on a free port of the loopback interface.
pub async fn start() -> GitLabDouble {
    Double::start().await
}

/// GitLab's behaviour.
#[derive(Debug, Default)]
pub struct GitLab {
    world: World,
    /// Requests since the start, for the `RateLimit-*` headers.
    observed: u32,
}

impl System for GitLab {
    type World = World;
    const NAME: &'static str = "gitlab";

    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn answer(&mut self, request: &Received) -> Answer {
        self.observed = self.observed.saturating_add(1);
        self.world.settle();
        let answer = match throttle::refuse(&mut self.world) {
            Some(refusal) => refusal,
            None => self.route(request),
        };
        throttle::with_headers(answer, self.observed, request.time)
    }
}

impl GitLab {
    fn route(&self, request: &Received) -> Answer {
        if request.path() == "/api/graphql" {
            return graphql::answer(&self.world, request);
        }
        let Some(path) = request.path().strip_prefix("/api/v4/") else {
            return Answer::with_type(
                StatusCode::NOT_FOUND,
                "text/html; charset=utf-8",
                "<h1>404</h1>".to_owned(),
            );
        };
        let token = request
            .header("private-token")
            .filter(|token| !token.is_empty())
            .or(request.bearer_token());
        if !self.world.accepts(token) {
            return message(StatusCode::UNAUTHORIZED, "401 Unauthorized");
        }
        if request.method != Method::GET {
            return Answer::json(StatusCode::METHOD_NOT_ALLOWED, &json!({"error": "405 Not Allowed"}));
        }
        let segments: Vec<_> = path
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8_lossy())
            .collect();
        let segments: Vec<_> = segments.iter().map(AsRef::as_ref).collect();
        match segments.as_slice() {
            ["projects", project, "merge_requests", iid, rest @ ..] => self.merge_request(request, project, iid, rest),
            ["groups", group, "members", rest @ ..] => self.members(request, group, rest),
            ["users", id] => match id.parse().ok().and_then(|id| self.world.users.get_key_value(&id)) {
                Some((id, user)) => Answer::json(StatusCode::OK, &people::profile(&self.world, *id, user)),
                None => message(StatusCode::NOT_FOUND, "404 User Not Found"),
            },
            _ => no_route(),
        }
    }

    fn merge_request(&self, request: &Received, project: &str, iid: &str, rest: &[&str]) -> Answer {
        let (project_id, project) = match self.world.project(project) {
            world::Found::Here(id, project) => (id, project),
            world::Found::Moved(id) => return moved(request, project, id),
            world::Found::Nowhere => return message(StatusCode::NOT_FOUND, "404 Project Not Found"),
        };
        let Some((&iid, merge_request)) = iid
            .parse()
            .ok()
            .and_then(|iid| project.merge_requests.get_key_value(&iid))
        else {
            return message(StatusCode::NOT_FOUND, "404 Not found");
        };
        let view = merge_requests::View {
            world: &self.world,
            project_id,
            project,
            iid,
            merge_request,
        };
        match rest {
            [] => Answer::json(StatusCode::OK, &view.single()),
            ["approvals"] => Answer::json(StatusCode::OK, &view.approvals()),
            ["approval_state"] if self.world.old_gitlab => message(StatusCode::NOT_FOUND, "404 Not Found"),
            ["approval_state"] => Answer::json(StatusCode::OK, &view.approval_state()),
            ["resource_label_events"] => paging::page(request, &view.label_events(), self.world.omit_totals),
            ["versions"] => paging::page(request, &view.versions(), self.world.omit_totals),
            ["reviewers"] => paging::page(request, &view.reviewers(), self.world.omit_totals),
            _ => no_route(),
        }
    }

    fn members(&self, request: &Received, group: &str, rest: &[&str]) -> Answer {
        let Some(group) = self.world.group(group) else {
            return message(StatusCode::NOT_FOUND, "404 Group Not Found");
        };
        let members = match rest {
            [] => people::members(&self.world, group, false),
            ["all"] => people::members(&self.world, group, true),
            _ => return no_route(),
        };
        paging::page(request, &members, self.world.omit_totals)
    }
}

fn message(status: StatusCode, text: &str) -> Answer {
    Answer::json(status, &json!({"message": text}))
}

/// The answer for an unknown path; its text differs from that for a missing record.
fn no_route() -> Answer {
    Answer::json(StatusCode::NOT_FOUND, &json!({"error": "404 Not Found"}))
}

/// The answer for the former path of a renamed project: a redirect to the same address with the project's id.
fn moved(request: &Received, asked: &str, id: u64) -> Answer {
    let is_asked = |part: &str| percent_decode_str(part).decode_utf8_lossy() == asked;
    let target: Vec<_> = request
        .target
        .split('/')
        .map(|part| {
            if is_asked(part) {
                id.to_string()
            } else {
                part.to_owned()
            }
        })
        .collect();
    let location = format!("{}{}", request.base_url(), target.join("/"));
    let text = format!("This resource has been moved permanently to {location}");
    Answer::text(StatusCode::MOVED_PERMANENTLY, text).with_header("location", &location)
}

/// Overlays `fields` on `base`, both JSON objects.
fn overlay(mut base: Value, fields: &serde_json::Map<String, Value>) -> Value {
    if let Value::Object(base) = &mut base {
        base.extend(fields.clone());
    }
    base
}

#[cfg(test)]
mod tests;
