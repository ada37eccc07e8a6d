//! The distinct tokens of a secret, and the hooks of each.

use std::collections::BTreeSet;

use super::Hook;

/// Each token once, even if several stages and hooks of the secret hold it, so that a delivery is checked against it once.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<T>(Vec<Token<T>>);

#[derive(Debug, Clone)]
struct Token<T> {
    value: T,
    /// The first version of the secret that names it, from 0.
    version: usize,
    /// Indices in [`super::HookSet::hooks`]; all of one instance.
    hooks: BTreeSet<usize>,
    /// Hooks of two instances name it in one version.
    ambiguous: bool,
}

/// Why a hook does not get a token: another hook holds it for another instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clash {
    /// Index of the other hook.
    pub(crate) with: usize,
    /// A newer version names it, which decides; otherwise neither hook gets it.
    pub(crate) newer: bool,
}

impl<T> Default for Tokens<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Tokens<T> {
    /// Adds a token of the hook at index `hook`, named by `version` of the secret; versions come newest first.
    pub(crate) fn add(&mut self, value: T, hook: usize, version: usize, hooks: &[Hook]) -> Result<(), Clash> {
        let Some(token) = self.0.iter_mut().find(|token| token.value == value) else {
            self.0.push(Token {
                value,
                version,
                hooks: BTreeSet::from([hook]),
                ambiguous: false,
            });
            return Ok(());
        };
        let other = token
            .hooks
            .iter()
            .find(|place| hooks[**place].instance != hooks[hook].instance);
        let Some(&with) = other else {
            token.hooks.insert(hook);
            return Ok(());
        };
        let newer = token.version < version;
        token.ambiguous |= !newer;
        Err(Clash { with, newer })
    }
}

impl<T> Tokens<T> {
    /// Drops the tokens that would identify two instances.
    pub(crate) fn drop_ambiguous(&mut self) {
        self.0.retain(|token| !token.ambiguous);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Indices of the hooks whose token matches. Every token is tried, so the time taken does not reveal which one matched.
    pub(crate) fn matching(&self, matches: impl Fn(&T) -> bool) -> BTreeSet<usize> {
        let mut places = BTreeSet::new();
        for token in &self.0 {
            if matches(&token.value) {
                places.extend(&token.hooks);
            }
        }
        places
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
