//! A double of the parts of Linear's GraphQL API with which Countersign reads and changes issues.
//!
//! Every query is checked against a pruned copy of Linear's own schema (`linear/schema.graphql`) and answered with exactly the
//! fields it selects; unknown fields are rejected as Linear rejects them. The first [`World`] has the team `ENG` with the states
//! Backlog, Todo, In Progress, Done, Canceled and Duplicate, and the issue `ENG-123` in progress with the label `backend`. A test
//! adds what it needs with a merge patch; missing ids are generated and stay constant:
//!
//! ```json
//! {"labels": {"5d8f4c1e-0b1a-4c53-9b0e-7a4f6f2f9c11": {"name": "security::high", "team": "ENG"}},
//!  "issues": {"ENG-124": {"title": "Rotate the signing keys", "state": "Todo",
//!     "labels": ["5d8f4c1e-0b1a-4c53-9b0e-7a4f6f2f9c11"], "trashed": true,
//!     "attachments": [{"url": "https://gitlab.example/a/b/-/merge_requests/7", "title": "!7"}],
//!     "comments": [{"body": "Hello"}]}}}
//! ```
//!
//! Sources: <https://linear.app/developers/graphql>, <https://linear.app/developers/filtering>,
//! <https://linear.app/developers/pagination>, <https://linear.app/developers/rate-limiting> and
//! <https://github.com/linear/linear/blob/master/packages/sdk/src/schema.graphql>. Errors are not documented; their shapes are
//! those of recorded answers (see `linear/denied.rs` and `linear/refusal.rs`).

mod auth;
mod build;
mod complexity;
mod denied;
mod filter;
mod graphql;
mod input;
mod issue_update;
mod mutations;
mod nodes;
mod object;
mod refusal;
mod relations;
mod session;
mod snapshot;
mod throttle;
mod world;

pub use snapshot::IssueSnapshot;
pub use world::{Attachment, Comment, Issue, Label, RateLimited, Team, WorkflowState, World};

use std::cell::RefCell;

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;
use http::{Method, StatusCode};

use super::{Answer, Double, Received, System};
use denied::Denied;

/// A running double of Linear.
pub type LinearDouble = Double<Linear>;

/// Starts a Linear on a free port of the loopback interface.
pub async fn start() -> LinearDouble {
    Double::start().await
}

impl LinearDouble {
    /// The current issue, by its identifier (`ENG-123`, in any case) or its id.
    #[must_use]
    pub fn issue(&self, id: &str) -> Option<IssueSnapshot> {
        self.world(|world| snapshot::issue(world, id))
    }

    /// The label names of a team (by its key, `ENG`), or of the workspace for `None`, in alphabetical order.
    #[must_use]
    pub fn labels(&self, team: Option<&str>) -> Vec<String> {
        self.world(|world| snapshot::labels(world, team))
    }
}

/// Linear's behaviour.
#[derive(Debug)]
pub struct Linear {
    schema: Valid<Schema>,
    world: RefCell<World>,
    /// Requests since the start, for the rate limit headers.
    observed: u64,
    /// The `lastSyncId`: changes since the start.
    changes: u32,
}

impl Default for Linear {
    #[expect(
        clippy::expect_used,
        reason = "the schema is part of the double; no test can run without it"
    )]
    fn default() -> Self {
        let schema = Schema::parse_and_validate(include_str!("linear/schema.graphql"), "schema.graphql");
        Self {
            schema: schema.expect("linear/schema.graphql is valid"),
            world: RefCell::new(World::default()),
            observed: 0,
            changes: 0,
        }
    }
}

impl System for Linear {
    type World = World;
    const NAME: &'static str = "linear";

    fn world(&mut self) -> &mut World {
        self.world.get_mut().settle();
        self.world.get_mut()
    }

    fn answer(&mut self, request: &Received) -> Answer {
        self.observed = self.observed.saturating_add(1);
        self.world.get_mut().settle();
        // Read before the request is answered: the rejection may use up the limit.
        let limited = self.world.get_mut().rate_limited;
        let answer = self.respond(request).unwrap_or_else(Denied::answer);
        throttle::with_headers(answer, request, self.observed, limited)
    }
}

impl Linear {
    fn respond(&mut self, request: &Received) -> Result<Answer, Denied> {
        if request.path() != "/graphql" {
            return Ok(Answer::text(StatusCode::NOT_FOUND, "Not Found"));
        }
        if request.method != Method::POST {
            return Ok(Answer::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed").with_header("allow", "POST"));
        }
        auth::check(self.world.get_mut(), request)?;
        throttle::refuse(self.world.get_mut(), request)?;
        self.execute(request)
    }
}

#[cfg(test)]
mod tests;
