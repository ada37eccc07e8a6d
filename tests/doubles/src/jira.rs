//! A double of Jira's REST API v2, Cloud and Data Center: issues, their transitions, labels, comments and remote links.
//!
//! Its [`World`] holds issues by key and one workflow for all of them. The first world has the issue `PAY-7`, in progress, with the
//! label `backend`, and this workflow, in which Rejected also has the category done:
//!
//! | transition | from | to |
//! |---|---|---|
//! | 21 Start | To Do | In Progress |
//! | 31 Finish | In Progress | Done |
//! | 41 Reject | To Do, In Progress | Rejected |
//! | 51 Reopen | Done, Rejected | In Progress |
//!
//! A moved issue names its former keys (`moved_from`) and also answers under them with its current key; a deleted one is removed
//! from the world. Two concurrent transitions of one issue, which Cloud rejects with 409, need a stub.
//!
//! Sources: <https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issues/>, also
//! `api-group-issue-comments`, `api-group-issue-remote-links` and `api-group-myself`,
//! <https://developer.atlassian.com/server/jira/platform/rest/v10000/> for Data Center,
//! <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/> and
//! <https://confluence.atlassian.com/adminjiraserver/adjusting-your-code-for-rate-limiting-987143384.html> for
//! limits. Answers to an account without a permission are not documented: they follow recorded answers.

mod access;
mod comments;
mod edit;
mod fields;
mod refusal;
mod remote_links;
mod throttle;
mod workflow;
mod world;

pub use world::{Category, Comment, Deployment, Issue, RateLimited, RemoteLink, Status, Transition, World};

use http::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::{Answer, Double, Received, System};
use refusal::Refusal;

/// A running double of Jira.
pub type JiraDouble = Double<Jira>;

/// Starts a Jira on a free port of the loopback interface.
pub async fn start() -> JiraDouble {
    Double::start().await
}

impl JiraDouble {
    /// The current issue, by its key in any case or by a former one.
    #[must_use]
    pub fn issue(&self, key: &str) -> Option<IssueSnapshot> {
        self.world(|world| {
            let key = world.find(key)?;
            let issue = world.issues.get(&key)?.clone();
            Some(IssueSnapshot {
                category: world.status(&issue.status).category,
                key,
                status: issue.status,
                labels: issue.labels,
                comments: issue.comments,
                remote_links: issue.remote_links,
                transitioned: issue.transitioned,
            })
        })
    }
}

/// The state of an issue at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueSnapshot {
    /// The current key.
    pub key: String,
    /// The status's name.
    pub status: String,
    /// The status's category.
    pub category: Category,
    pub labels: Vec<String>,
    /// The comments, oldest first.
    pub comments: Vec<Comment>,
    /// The remote links, oldest first.
    pub remote_links: Vec<RemoteLink>,
    /// The ids of the transitions made by API, oldest first.
    pub transitioned: Vec<String>,
}

/// Jira's behaviour.
#[derive(Debug, Default)]
pub struct Jira {
    world: World,
}

impl System for Jira {
    type World = World;
    const NAME: &'static str = "jira";

    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn answer(&mut self, request: &Received) -> Answer {
        let Some(path) = request.path().strip_prefix("/rest/api/2/") else {
            return Answer::with_type(
                StatusCode::NOT_FOUND,
                "text/html;charset=UTF-8",
                "<h1>404</h1>".to_owned(),
            );
        };
        self.world.settle(request.time);
        if let Some(refused) = throttle::refuse(&mut self.world, request) {
            return refused;
        }
        if !access::accepts(&self.world, request) {
            return access::refuse(&self.world, request, path.starts_with("issue/"));
        }
        self.route(request, path).unwrap_or_else(Refusal::answer)
    }
}

impl Jira {
    fn route(&mut self, request: &Received, path: &str) -> Result<Answer, Refusal> {
        let segments: Vec<_> = path
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8_lossy())
            .collect();
        let segments: Vec<_> = segments.iter().map(AsRef::as_ref).collect();
        let world = &mut self.world;
        match (&request.method, segments.as_slice()) {
            (&Method::GET, ["myself"]) => Ok(fields::myself(world, request)),
            (method, ["issue", key, rest @ ..]) => {
                let key = world.find(key).ok_or_else(|| Refusal::no_issue(world.deployment))?;
                match (method, rest) {
                    (&Method::GET, []) => Ok(fields::get_issue(world, &key, request)),
                    (&Method::PUT, []) => edit::edit(world, &key, request),
                    (&Method::GET, ["transitions"]) => Ok(workflow::list(world, &key, request)),
                    (&Method::POST, ["transitions"]) => workflow::perform(world, &key, request),
                    (&Method::GET, ["comment"]) => comments::list(world, &key, request),
                    (&Method::POST, ["comment"]) => comments::add(world, &key, request),
                    (&Method::GET, ["remotelink"]) => remote_links::list(world, &key, request),
                    (&Method::POST, ["remotelink"]) => remote_links::put(world, &key, request),
                    (_, [] | ["transitions" | "comment" | "remotelink"]) => Ok(empty(StatusCode::METHOD_NOT_ALLOWED)),
                    _ => Ok(empty(StatusCode::NOT_FOUND)),
                }
            }
            _ => Ok(empty(StatusCode::NOT_FOUND)),
        }
    }
}

fn empty(status: StatusCode) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    }
}

#[cfg(test)]
mod tests;
