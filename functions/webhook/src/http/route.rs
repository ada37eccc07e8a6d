//! The routes: their paths, and how each is named in the audit log, in metrics and in spans.

use audit::{Action, Target};

use super::refusal::Refusal;

/// Every path that is served; each has its own throttling in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// GitLab's webhooks.
    Webhook,
    /// Entries of other services.
    AuditEvents,
    /// GitLab's audit event streams.
    AuditGitlab,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 3] = [Self::Webhook, Self::AuditEvents, Self::AuditGitlab];

    /// The route of a request.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::MethodNotAllowed`], with the route as far as it is known.
    pub fn find(path: &str, method: &str) -> Result<Self, (Self, Refusal)> {
        match Self::ALL.into_iter().find(|route| route.path() == path) {
            None => Err((Self::Webhook, Refusal::NotFound)),
            Some(route) if method == "POST" => Ok(route),
            Some(route) => Err((route, Refusal::MethodNotAllowed)),
        }
    }

    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Webhook => "/webhook",
            Self::AuditEvents => "/audit/events",
            Self::AuditGitlab => "/audit/gitlab",
        }
    }

    pub(super) const fn span_name(self) -> &'static str {
        match self {
            Self::Webhook => "POST /webhook",
            Self::AuditEvents => "POST /audit/events",
            Self::AuditGitlab => "POST /audit/gitlab",
        }
    }

    /// The metrics of requests by status, and of rejected ones by reason.
    pub(super) const fn metrics(self) -> (&'static str, &'static str) {
        match self {
            Self::Webhook => ("deliveries_received", "deliveries_rejected"),
            Self::AuditEvents => ("producer_requests", "producer_requests_rejected"),
            Self::AuditGitlab => ("gitlab_audit_requests", "gitlab_audit_requests_rejected"),
        }
    }

    /// The action that audits each request of the route.
    pub(crate) const fn action(self) -> Action {
        match self {
            Self::Webhook | Self::AuditGitlab => Action::WebhookAuthVerify,
            Self::AuditEvents => Action::AuditProducerVerify,
        }
    }

    /// The route itself as a target, if nothing better is known.
    pub(crate) fn endpoint(self) -> Target {
        Target::other("endpoint", self.path())
    }
}
