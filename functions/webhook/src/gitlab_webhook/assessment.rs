//! The assessment of one request by the current hooks. Pure: the same request, hooks and time give the same result.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, USER_AGENT};
use inbound::gitlab::{
    Classified, DeliveryHeaders, Grammar, Hook, HookSet, NoteCommand, NoteEvent, PushEvent, Rejection, Tolerance,
};
use jiff::Timestamp;
use model::{AuthMethod, Authentication, Content, MergeRequestIid, ProjectId, User};

use crate::http::refusal::Refusal;
use crate::http::request::header_text;
use crate::http::response::Ignored;

/// Maximum size of an unexpected body that is forwarded whole, in bytes.
const MAX_UNEXPECTED_BYTES: usize = 256 * 1024;

/// The relevant parts of a request.
#[derive(Debug, Clone, Copy)]
pub struct IncomingRequest<'a> {
    /// The headers that authenticate and name the delivery.
    pub headers: DeliveryHeaders<'a>,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// `traceparent`.
    pub traceparent: Option<&'a str>,
    /// `X-Gitlab-Instance`, the address that the sender claims; nothing relies on it.
    pub gitlab_instance: Option<&'a str>,
    /// The exact bytes of the body.
    pub body: &'a [u8],
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assessment {
    /// Authentic; forwarded to the queue.
    Forward {
        authentication: Authentication,
        content: Content,
    },
    /// Authentic; recorded in the audit log alone.
    Record {
        authentication: Authentication,
        event: RecordedEvent,
    },
    /// Authentic; nothing to do.
    Ignore {
        authentication: Authentication,
        why: Ignored,
    },
    Refuse {
        why: Refusal,
        /// The hook whose token matched, if any.
        hook: Option<String>,
        /// The project of the body, if it was read.
        project: Option<ProjectId>,
    },
}

/// What the function itself writes to the audit log, without a message to the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedEvent {
    Push(Box<PushEvent>),
    /// A comment on this merge request, with its commands.
    Commands(Box<NoteEvent>, MergeRequestIid, Vec<NoteCommand>),
}

/// What an assessment depends on, apart from request, secret and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRules {
    /// The maximum age of a signature and size of a body.
    pub tolerance: Tolerance,
    /// Which lines of a comment are commands.
    pub grammar: Grammar,
}

impl<'a> IncomingRequest<'a> {
    /// Finds the parts of a request.
    #[must_use]
    pub fn new(headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        let named = |name| header_text(headers, name);
        Self {
            headers: DeliveryHeaders {
                webhook_id: named("webhook-id"),
                webhook_timestamp: named("webhook-timestamp"),
                webhook_signature: named("webhook-signature"),
                gitlab_token: named("x-gitlab-token"),
                idempotency_key: named("idempotency-key"),
                event_uuid: named("x-gitlab-event-uuid"),
            },
            content_type: named(CONTENT_TYPE.as_str()),
            user_agent: named(USER_AGENT.as_str()),
            traceparent: named("traceparent"),
            gitlab_instance: named("x-gitlab-instance"),
            body,
        }
    }

    /// The proof that the request offers, valid or not.
    #[must_use]
    pub fn offered(&self) -> Option<AuthMethod> {
        let token = self.headers.gitlab_token.map(|_| AuthMethod::Token);
        self.headers.webhook_signature.map(|_| AuthMethod::HmacSha256).or(token)
    }

    fn is_json(&self) -> bool {
        let Some(content_type) = self.content_type else {
            return true;
        };
        let essence = content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        essence == "application/json" || essence.ends_with("+json")
    }
}

/// Assesses one request: size, content type, proof, then kind and scope.
#[must_use]
pub fn assess(received: &IncomingRequest<'_>, hooks: &HookSet, now: Timestamp, rules: &WebhookRules) -> Assessment {
    let tolerance = rules.tolerance;
    let refuse = |why| Assessment::Refuse {
        why,
        hook: None,
        project: None,
    };
    // 1. Content type, unless the body is too large anyway: that reason takes precedence.
    if received.body.len() <= tolerance.max_body_bytes && !received.is_json() {
        return refuse(Refusal::UnsupportedMediaType);
    }
    // 2. Size and proof.
    let proof = match inbound::gitlab::authenticate(&received.headers, received.body, hooks, now, tolerance) {
        Ok(proof) => proof,
        Err(rejection) => return refuse(Refusal::Sender(rejection)),
    };
    let first = proof.hooks.first().copied();
    let authentication = |hook: Option<&Hook>| Authentication {
        method: proof.method,
        hook: hook.map(|hook| hook.name.clone()).unwrap_or_default(),
        instance: hook.map(|hook| hook.instance.clone()).unwrap_or_default(),
        stale: proof.stale,
    };
    // 3. Kind.
    let classified = inbound::gitlab::classify(received.body, now);
    let why = match &classified {
        Classified::Unhandled { .. } => Some(Ignored::UnhandledKind),
        Classified::Unparseable => Some(Ignored::Unparseable),
        Classified::MergeRequest(_) | Classified::Note(_) | Classified::Push(_) | Classified::Unexpected { .. } => None,
    };
    if let Some(why) = why {
        return Assessment::Ignore {
            authentication: authentication(first),
            why,
        };
    }
    // 4. Scope: a token for one group must not report merges of another.
    let hook = inbound::gitlab::hook_in_scope(&proof.hooks, classified.project());
    if hook.is_none() && matches!(classified, Classified::Note(_) | Classified::Push(_)) {
        // Frequent, and nothing is lost: GitLab would disable the hook after a few rejections.
        return Assessment::Ignore {
            authentication: authentication(first),
            why: Ignored::WrongScope,
        };
    }
    if hook.is_none() {
        return Assessment::Refuse {
            why: Refusal::Sender(Rejection::WrongScope),
            hook: first.map(|hook| hook.name.clone()),
            project: classified.project().id,
        };
    }
    // 5. What follows.
    consequence(authentication(hook), classified, received.body, &rules.grammar)
}

/// What follows from an authentic body within the scope of its hook.
fn consequence(authentication: Authentication, classified: Classified, body: &[u8], grammar: &Grammar) -> Assessment {
    let ignore = |authentication, why| Assessment::Ignore { authentication, why };
    match classified {
        Classified::MergeRequest(event) => Assessment::Forward {
            authentication,
            content: Content::MergeRequest(event),
        },
        Classified::Unexpected {
            object_kind, problem, ..
        } => Assessment::Forward {
            authentication,
            content: unexpected_content(object_kind, problem, body),
        },
        Classified::Push(push) => Assessment::Record {
            authentication,
            event: RecordedEvent::Push(push),
        },
        Classified::Note(note) => match commands_of(&note, grammar) {
            Some((mr_iid, commands)) => Assessment::Record {
                authentication,
                event: RecordedEvent::Commands(note, mr_iid, commands),
            },
            None => ignore(authentication, Ignored::NoCommand),
        },
        Classified::Unhandled { .. } => ignore(authentication, Ignored::UnhandledKind),
        Classified::Unparseable => ignore(authentication, Ignored::Unparseable),
    }
}

/// The commands of a comment on a merge request by a person, or by a bot that is not an access token.
fn commands_of(note: &NoteEvent, grammar: &Grammar) -> Option<(MergeRequestIid, Vec<NoteCommand>)> {
    let is_by_token = note.actor.as_ref().is_some_and(User::looks_like_bot);
    let mr_iid = note.mr_iid.filter(|_| !note.is_system && !is_by_token)?;
    let commands = inbound::gitlab::commands(&note.text, grammar);
    (!commands.is_empty()).then_some((mr_iid, commands))
}

/// A body for the quarantine.
fn unexpected_content(object_kind: String, problem: String, body: &[u8]) -> Content {
    Content::Unexpected {
        object_kind,
        problem,
        body_base64: STANDARD.encode(&body[..body.len().min(MAX_UNEXPECTED_BYTES)]),
        truncated: body.len() > MAX_UNEXPECTED_BYTES,
    }
}

#[cfg(test)]
mod tests;
