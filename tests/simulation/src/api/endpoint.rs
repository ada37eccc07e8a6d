//! The endpoints of GitLab's API, and how they fail or lag.

/// One endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    MergeRequest,
    LabelEvents,
    Approvals,
    Versions,
    /// Members of the security group.
    Members,
    /// Users, for the bot flag.
    Users,
    /// Committers, by GraphQL.
    Committers,
    /// Reviewers: optional.
    Reviewers,
    /// Approval rules: optional unless the rules name one.
    ApprovalRules,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 9] = [
        Self::MergeRequest,
        Self::LabelEvents,
        Self::Approvals,
        Self::Versions,
        Self::Members,
        Self::Users,
        Self::Committers,
        Self::Reviewers,
        Self::ApprovalRules,
    ];
}

/// How an endpoint fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// A 5xx, a 429, or no answer in time.
    Unavailable,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
}

/// An endpoint that fails for some time.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which; `None`: all of them.
    pub endpoint: Option<Endpoint>,
    /// From when.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// How.
    pub failure: Failure,
}

/// An endpoint that answers from a replica behind the database for some time.
#[derive(Debug, Clone)]
pub struct Lag {
    /// Which; `None`: all of them.
    pub endpoint: Option<Endpoint>,
    /// From when.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// The lag in milliseconds.
    pub by_ms: i64,
}
