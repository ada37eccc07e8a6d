//! The hooks of the secret: which tokens are accepted, for which instance and which projects.

mod merge;
mod problem;
mod tokens;

use std::collections::BTreeSet;

use model::ProjectId;

use crate::gitlab::signature::Signatures;
use crate::gitlab::{HookEntry, SigningToken, WebhookSecret};
use crate::token::PlainToken;
use merge::HookSetBuilder;
pub use problem::{HookProblem, HookProblemKind};
use tokens::Tokens;

/// A hook of the secret.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Our own name for it.
    pub name: String,
    /// Our own name for the GitLab instance.
    pub instance: String,
    pub(crate) projects: BTreeSet<ProjectId>,
    pub(crate) namespaces: Vec<String>,
}

impl Hook {
    fn of(entry: &HookEntry) -> Self {
        Self {
            name: entry.name.clone(),
            instance: entry.instance.clone(),
            projects: entry.projects.clone(),
            namespaces: entry.namespaces.clone(),
        }
    }

    fn is_bound_as(&self, entry: &HookEntry) -> bool {
        self.instance == entry.instance && self.projects == entry.projects && self.namespaces == entry.namespaces
    }
}

#[derive(Debug, Clone, Default)]
pub struct HookSet {
    hooks: Vec<Hook>,
    signing_tokens: Tokens<SigningToken>,
    secret_tokens: Tokens<PlainToken>,
}

impl HookSet {
    /// Merges the stored versions of the secret, the newest first.
    ///
    /// Tokens of all versions of a hook are accepted, so that a rotation loses no delivery. The first version that names a hook
    /// decides what it is *bound to*: narrowing a hook takes effect immediately, also for its older tokens, and an older version
    /// does not revive a hook that is disabled there. A token belongs to one instance: if hooks of two instances hold it, it is
    /// reported and accepted for neither, unless a newer version decides which one it is.
    #[must_use]
    pub fn merge(versions: impl IntoIterator<Item = WebhookSecret>) -> (Self, Vec<HookProblem>) {
        let mut builder = HookSetBuilder::default();
        for version in versions {
            builder.add(&version);
        }
        builder.finish()
    }

    /// The hooks, in the order of the secret.
    #[must_use]
    pub fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    /// Whether there is no token at all, so that nothing can be authenticated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.signing_tokens.is_empty() && self.secret_tokens.is_empty()
    }

    /// The hooks whose signing tokens made one of the signatures.
    pub(crate) fn signed(&self, signatures: &Signatures, id: &str, timestamp: &str, body: &[u8]) -> Vec<&Hook> {
        let made = |token: &SigningToken| signatures.any_made_with(token, id, timestamp, body);
        self.at(self.signing_tokens.matching(made))
    }

    /// The hooks that have this plain token.
    pub(crate) fn with_secret_token(&self, token: &str) -> Vec<&Hook> {
        let sent = PlainToken::of(token);
        self.at(self.secret_tokens.matching(|configured| *configured == sent))
    }

    fn at(&self, places: BTreeSet<usize>) -> Vec<&Hook> {
        places.into_iter().filter_map(|place| self.hooks.get(place)).collect()
    }
}

#[cfg(test)]
mod tests;
