//! The union of the secret's versions, and all their unusable parts.

use std::collections::BTreeSet;

use secrecy::ExposeSecret as _;

use super::tokens::Clash;
use super::{Hook, HookProblem, HookProblemKind, HookSet};
use crate::gitlab::{HookEntry, SigningToken, WebhookSecret};
use crate::token::PlainToken;

/// The versions merged so far, newest first.
#[derive(Default)]
pub(super) struct HookSetBuilder {
    set: HookSet,
    problems: Vec<HookProblem>,
    /// Names of entries that are not used.
    disabled: BTreeSet<String>,
    /// Which version is being added, from 0.
    version: usize,
    /// Number of hooks from versions before this one.
    older: usize,
}

impl HookSetBuilder {
    /// Adds the next older version.
    pub(super) fn add(&mut self, secret: &WebhookSecret) {
        self.older = self.set.hooks.len();
        for entry in &secret.hooks {
            self.add_entry(entry);
        }
        self.version += 1;
    }

    pub(super) fn finish(self) -> (HookSet, Vec<HookProblem>) {
        let Self { mut set, problems, .. } = self;
        set.signing_tokens.drop_ambiguous();
        set.secret_tokens.drop_ambiguous();
        (set, problems)
    }

    fn add_entry(&mut self, entry: &HookEntry) {
        if let Some(problem) = defect(entry) {
            self.disabled.insert(entry.name.clone());
            self.report(entry, problem);
            return;
        }
        if self.disabled.contains(&entry.name) {
            return;
        }
        let hooks = &mut self.set.hooks;
        let known = hooks.iter().position(|hook| hook.name == entry.name);
        if known.is_some_and(|place| place >= self.older && !hooks[place].is_bound_as(entry)) {
            self.report(entry, HookProblemKind::NameUsedTwice);
            return;
        }
        let place = known.unwrap_or_else(|| {
            hooks.push(Hook::of(entry));
            hooks.len() - 1
        });
        self.add_tokens(entry, place);
    }

    fn add_tokens(&mut self, entry: &HookEntry, place: usize) {
        for (number, token) in (1..).zip(&entry.signing_tokens) {
            let HookSet {
                hooks, signing_tokens, ..
            } = &mut self.set;
            let added = match SigningToken::parse(token.expose_secret()) {
                Ok(token) => signing_tokens.add(token, place, self.version, hooks),
                Err(error) => {
                    self.report(entry, HookProblemKind::SigningToken { number, error });
                    continue;
                }
            };
            self.report_clash(entry, "signing", number, added);
        }
        for (number, token) in (1..).zip(&entry.secret_tokens) {
            // GitLab strips line breaks before it sends a token.
            let token = token.expose_secret().trim_matches(['\r', '\n']);
            if token.is_empty() {
                self.report(entry, HookProblemKind::EmptySecretToken { number });
                continue;
            }
            let HookSet {
                hooks, secret_tokens, ..
            } = &mut self.set;
            let added = secret_tokens.add(PlainToken::of(token), place, self.version, hooks);
            self.report_clash(entry, "secret", number, added);
        }
    }

    fn report_clash(&mut self, entry: &HookEntry, kind: &'static str, number: usize, added: Result<(), Clash>) {
        let Err(clash) = added else { return };
        let other = self.set.hooks[clash.with].name.clone();
        let problem = if clash.newer {
            HookProblemKind::TokenMoved { kind, number, other }
        } else {
            HookProblemKind::SharedToken { kind, number, other }
        };
        self.report(entry, problem);
    }

    fn report(&mut self, entry: &HookEntry, problem: HookProblemKind) {
        let hook = entry.name.clone();
        self.problems.push(HookProblem { hook, problem });
    }
}

/// Why an entry is not used.
fn defect(entry: &HookEntry) -> Option<HookProblemKind> {
    let unnamed = entry.name.is_empty() || entry.instance.is_empty();
    let defect = entry.defect.clone().map(HookProblemKind::Disabled);
    defect.or_else(|| unnamed.then_some(HookProblemKind::Unnamed))
}
