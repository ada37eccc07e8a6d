//! The hooks in force: which tokens may speak, for which projects.

use std::collections::BTreeSet;

use model::ProjectId;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{HookEntry, SigningToken, SigningTokenError, WebhookSecret};

/// A hook with its tokens ready for use.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Our own name for it.
    pub name: String,
    /// Our own name for the GitLab instance.
    pub instance: String,
    pub(crate) projects: BTreeSet<ProjectId>,
    pub(crate) namespaces: Vec<String>,
    pub(crate) signing_tokens: Vec<SigningToken>,
    pub(crate) secret_tokens: Vec<SecretString>,
}

impl Hook {
    fn without_tokens(entry: &HookEntry) -> Self {
        Self {
            name: entry.name.clone(),
            instance: entry.instance.clone(),
            projects: entry.projects.clone(),
            namespaces: entry.namespaces.clone(),
            signing_tokens: Vec::new(),
            secret_tokens: Vec::new(),
        }
    }

    fn is_bound_as(&self, entry: &HookEntry) -> bool {
        self.instance == entry.instance && self.projects == entry.projects && self.namespaces == entry.namespaces
    }
}

/// Something in the secret that cannot be used; everything else stays in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("hook `{hook}`: {problem}")]
pub struct HookProblem {
    /// Name of the hook entry.
    pub hook: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a hook entry. Never says a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The entry cannot be told from others, or speaks for no instance.
    #[error("`name` and `instance` must not be empty; the entry is ignored")]
    Unnamed,
    /// Two entries of one name in one version are bound differently.
    #[error("the name is used twice with different bindings; the second entry is ignored")]
    NameUsedTwice,
    /// A signing token of the wrong form.
    #[error("signing token number {number} {error}; it is ignored")]
    SigningToken {
        /// Its place in the list, from 1.
        number: usize,
        /// What is wrong with it.
        error: SigningTokenError,
    },
    /// An empty plain token, which an empty header would match.
    #[error("secret token number {number} is empty; it is ignored")]
    EmptySecretToken {
        /// Its place in the list, from 1.
        number: usize,
    },
}

/// Every hook in force.
#[derive(Debug, Clone, Default)]
pub struct HookSet {
    hooks: Vec<Hook>,
}

impl HookSet {
    /// Unites the stored versions of the secret, the current one first.
    ///
    /// Tokens of all versions of a hook count, so that a rotation loses no delivery. What a hook is *bound to* is said by
    /// the first version that names it: narrowing a hook takes effect at once, also for its older tokens.
    #[must_use]
    pub fn merge(versions: impl IntoIterator<Item = WebhookSecret>) -> (Self, Vec<HookProblem>) {
        let mut set = Self::default();
        let mut problems = Vec::new();
        for version in versions {
            let older = set.hooks.len();
            for entry in version.hooks {
                set.add(&entry, older, &mut problems);
            }
        }
        (set, problems)
    }

    /// The hooks, in the order of the secret.
    #[must_use]
    pub fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    /// Whether there is no token at all; then nothing can be authenticated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hooks
            .iter()
            .all(|hook| hook.signing_tokens.is_empty() && hook.secret_tokens.is_empty())
    }

    /// Adds one entry; the first `older` hooks come from versions before this one.
    fn add(&mut self, entry: &HookEntry, older: usize, problems: &mut Vec<HookProblem>) {
        let mut report = |problem| {
            let hook = entry.name.clone();
            problems.push(HookProblem { hook, problem });
        };
        if entry.name.is_empty() || entry.instance.is_empty() {
            report(Problem::Unnamed);
            return;
        }
        let known = self.hooks.iter().position(|hook| hook.name == entry.name);
        if known.is_some_and(|index| index >= older && !self.hooks[index].is_bound_as(entry)) {
            report(Problem::NameUsedTwice);
            return;
        }
        let index = known.unwrap_or_else(|| {
            self.hooks.push(Hook::without_tokens(entry));
            self.hooks.len() - 1
        });
        let hook = &mut self.hooks[index];
        for (number, token) in (1..).zip(&entry.signing_tokens) {
            match SigningToken::parse(token.expose_secret()) {
                Ok(token) => hook.signing_tokens.push(token),
                Err(error) => report(Problem::SigningToken { number, error }),
            }
        }
        for (number, token) in (1..).zip(&entry.secret_tokens) {
            // GitLab strips line breaks before it sends a token.
            match token.expose_secret().trim_matches(['\r', '\n']) {
                "" => report(Problem::EmptySecretToken { number }),
                token => hook.secret_tokens.push(token.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
