//! GitLab's webhooks: authentication, the scope of a token, and payloads translated into the types of [`model`].
//!
//! The order in which a receiver uses it:
//!
//! 1. [`WebhookSecret::parse`] and [`HookSet::merge`] turn the stored secret into hooks;
//! 2. [`authenticate`] proves the delivery over its exact bytes;
//! 3. [`classify`] reads the body;
//! 4. [`hook_in_scope`] picks the hook whose scope contains the project;
//! 5. [`delivery_ids`] computes the delivery's ids.
//!
//! Sources: GitLab's [webhook documentation](https://docs.gitlab.com/user/project/integrations/webhooks/), its
//! [webhook events](https://docs.gitlab.com/user/project/integrations/webhook_events/) and the
//! [Standard Webhooks 1.0.0](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).

mod authenticate;
mod commands;
mod delivery;
mod hooks;
mod json;
mod payload;
mod scope;
mod secret;
mod signature;
mod stream;
mod time;

pub use authenticate::{Authenticated, Rejection, Tolerance, authenticate};
pub use commands::{Grammar, InvalidPrefixes, MAX_COMMANDS, NoteCommand, commands};
pub use delivery::{DeliveryHeaders, delivery_ids};
pub use hooks::{Hook, HookProblem, HookProblemKind, HookSet};
pub use payload::{Classified, NoteEvent, PushEvent, claimed_project, classify};
pub use scope::{ProjectSeen, hook_in_scope};
pub use secret::{EntryDefect, HookEntry, SecretUnreadable, WebhookSecret};
pub use signature::{SigningToken, SigningTokenError, sign};
pub use stream::{InvalidTypes, StreamBody, StreamFields, StreamProblem, StreamSource, StreamTypes, stream_events};
pub use time::parse_timestamp;
