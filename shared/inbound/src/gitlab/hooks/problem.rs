//! What is wrong with the hooks of the secret, for the log; never a token.

use crate::gitlab::{EntryDefect, SigningTokenError};

/// An unusable part of the secret; all other parts stay usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("hook `{hook}`: {problem}")]
pub struct HookProblem {
    /// Name of the hook entry.
    pub hook: String,
    pub problem: HookProblemKind,
}

/// A problem of a hook entry. Never contains a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookProblemKind {
    /// The entry cannot be parsed.
    #[error("{0}; entries of this name are ignored in all versions until this one is corrected")]
    Disabled(EntryDefect),
    /// The entry lacks a distinct name, or an instance.
    #[error("`name` and `instance` must not be empty; the entry is ignored")]
    Unnamed,
    /// Two entries of one name in one version have different bindings.
    #[error("the name is used twice with different bindings; the second entry is ignored")]
    NameUsedTwice,
    /// A malformed signing token.
    #[error("signing token number {number} {error}; it is ignored")]
    SigningToken {
        /// Its place in the list, from 1.
        number: usize,
        error: SigningTokenError,
    },
    /// An empty plain token, which an empty header would match.
    #[error("secret token number {number} is empty; it is ignored")]
    EmptySecretToken {
        /// Its place in the list, from 1.
        number: usize,
    },
    /// A token that hooks of two instances hold in one version: it would not show which instance sent a delivery.
    #[error(
        "{kind} token number {number} is also a token of hook `{other}` of another instance; it is accepted for neither; \
         give each instance its own token"
    )]
    SharedToken {
        /// `signing` or `secret`.
        kind: &'static str,
        /// Its place in the list, from 1.
        number: usize,
        other: String,
    },
    /// A token that a newer version of the secret assigns to a hook of another instance.
    #[error(
        "{kind} token number {number} of an older version belongs to hook `{other}` of another instance in a newer one, \
         which takes precedence; give each instance its own token"
    )]
    TokenMoved {
        /// `signing` or `secret`.
        kind: &'static str,
        /// Its place in the list, from 1.
        number: usize,
        /// The hook that has it now.
        other: String,
    },
}
