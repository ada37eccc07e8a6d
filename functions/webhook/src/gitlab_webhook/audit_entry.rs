//! The audit entry of one request: the sender, its proof, and the result. It contains no secret and no body.

use audit::{Action, Context, Entry, Outcome, Target};
use inbound::gitlab::claimed_project;
use model::{AuthMethod, Authentication, Content, DeliveryIds, MergeRequestKey};

use crate::gitlab_webhook::assessment::{Assessment, IncomingRequest, RecordedEvent};
use crate::http::audit_entry::{bounded, class};
use crate::http::context::RequestContext;
use crate::http::route::Route;

/// Largest body read for its claimed project without a valid proof, in bytes: any sender can send larger ones.
const MAX_CLAIM_BYTES: usize = 64 * 1024;

/// The entry of an assessed request.
#[must_use]
pub fn assessed_entry(
    context: &Context,
    request_context: &RequestContext,
    received: &IncomingRequest<'_>,
    ids: &DeliveryIds,
    payload_sha256: &str,
    assessment: &Assessment,
) -> Entry {
    let entry = Entry::new(
        Action::WebhookAuthVerify,
        context,
        target(received, assessment),
        outcome(assessment),
    );
    let entry = match assessment {
        Assessment::Forward {
            authentication,
            content,
        } => {
            let problem = match content {
                Content::Unexpected { problem, .. } => Some(problem.as_str()),
                Content::MergeRequest(_) | Content::GitlabAudit { .. } => None,
            };
            proven(entry, authentication).detail("unexpected", problem)
        }
        Assessment::Record { authentication, .. } => proven(entry, authentication),
        Assessment::Ignore { authentication, why } => proven(entry, authentication).detail("ignored", why.as_str()),
        Assessment::Refuse { why, hook, .. } => entry
            .detail("result", "invalid")
            .detail("method", received.offered().map(AuthMethod::as_str))
            .detail("reason", why.audit_reason())
            .detail("hook", hook.as_deref()),
    };
    entry
        .detail("source_ip", request_context.source_ip.as_deref().map(bounded))
        .detail("delivery_id", ids.id.as_deref())
        .detail("user_agent", received.user_agent.map(bounded))
        .detail("body_bytes", received.body.len())
        .detail("payload_sha256", payload_sha256)
}

fn proven(entry: Entry, authentication: &Authentication) -> Entry {
    entry
        .detail("result", "valid")
        .detail("method", authentication.method.as_str())
        .detail("hook", authentication.hook.as_str())
        .detail("stale", authentication.stale)
}

fn outcome(assessment: &Assessment) -> Outcome {
    match assessment {
        Assessment::Forward { .. } | Assessment::Record { .. } | Assessment::Ignore { .. } => Outcome::Success,
        Assessment::Refuse { why, .. } => Outcome::Failure(class(*why)),
    }
}

/// The merge request, else the project that the body claims, else the endpoint. `instance` is recorded only if proven.
fn target(received: &IncomingRequest<'_>, assessment: &Assessment) -> Target {
    let authentication = match assessment {
        Assessment::Forward {
            authentication,
            content: Content::MergeRequest(event),
        } => {
            return Target::merge_request(&MergeRequestKey {
                instance: authentication.instance.clone(),
                project_id: event.project.id,
                mr_iid: event.mr_iid,
            });
        }
        Assessment::Record { authentication, event } => return recorded_target(authentication, event),
        Assessment::Refuse { project, .. } => {
            let claim = || (received.body.len() <= MAX_CLAIM_BYTES).then(|| claimed_project(received.body));
            let project = project.or_else(|| claim().flatten());
            return project.map_or_else(|| Route::Webhook.endpoint(), Target::project);
        }
        Assessment::Forward { authentication, .. } | Assessment::Ignore { authentication, .. } => authentication,
    };
    match claimed_project(received.body) {
        Some(project) => Target::project(project).at(&authentication.instance),
        None => Route::Webhook.endpoint(),
    }
}

/// The project of a push, the merge request of a comment.
pub(crate) fn recorded_target(authentication: &Authentication, event: &RecordedEvent) -> Target {
    match event {
        RecordedEvent::Push(push) => Target::project(push.project.id).at(&authentication.instance),
        RecordedEvent::Commands(note, mr_iid, _) => Target::merge_request(&MergeRequestKey {
            instance: authentication.instance.clone(),
            project_id: note.project.id,
            mr_iid: *mr_iid,
        }),
    }
}

#[cfg(test)]
mod tests;
