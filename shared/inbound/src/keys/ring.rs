//! The holders of static keys, from all versions of a secret.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};

use super::{EntryPosition, ListEntry};
use crate::token::PlainToken;

/// Shortest accepted key, in characters: GitLab's shortest stream token.
const SHORTEST: usize = 16;

/// What the holder of a key may do.
pub trait KeyHolder: Clone + PartialEq {
    /// The fields of its entry in the secret.
    type Fields;
    /// The list of the secret that names it, for messages.
    const LIST: &'static str;

    /// The holder and its key.
    ///
    /// # Errors
    /// What is wrong with the fields, without their values; to be corrected in the secret.
    fn from_fields(name: &str, fields: &Self::Fields) -> Result<(Self, SecretString), String>;
    fn name(&self) -> &str;
}

/// An unusable entry; all others stay usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{list} entry `{name}`: {problem}")]
pub struct KeyProblem {
    /// The list of the secret.
    pub list: &'static str,
    pub name: String,
    pub problem: KeyProblemKind,
}

/// A problem of an entry. Never contains a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblemKind {
    #[error("{0}; entries of this name are ignored in all versions until this one is corrected")]
    Unreadable(EntryPosition),
    #[error("{0}; entries of this name are ignored in all versions until this one is corrected")]
    Invalid(String),
    #[error("the key has fewer than {SHORTEST} characters; it is ignored")]
    Short,
    #[error("entry `{0}` has the same key, which is accepted for neither; give each its own key")]
    SharedKey(String),
}

/// The holders of all versions of a secret, and their keys.
#[derive(Debug, Clone)]
pub struct KeyRing<H> {
    holders: Vec<H>,
    keys: Vec<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    token: PlainToken,
    /// Index in [`KeyRing::holders`].
    holder: usize,
    /// The first version of the secret that names it, from 0.
    version: usize,
    is_shared: bool,
}

impl<H> Default for KeyRing<H> {
    fn default() -> Self {
        Self {
            holders: Vec::new(),
            keys: Vec::new(),
        }
    }
}

impl<H: KeyHolder> KeyRing<H> {
    /// Merges the versions of a list, the newest first. Keys of all versions are accepted, so that a rotation rejects nothing; the
    /// first version that names a holder decides what it may do. A key of two
    /// holders in one version is accepted for neither; otherwise the newer version decides whose it is.
    pub fn merge<'v>(versions: impl IntoIterator<Item = &'v [ListEntry<H::Fields>]>) -> (Self, Vec<KeyProblem>)
    where
        H::Fields: 'v,
    {
        let (mut ring, mut problems, mut disabled) = (Self::default(), Vec::new(), BTreeSet::new());
        let numbered = versions.into_iter().enumerate();
        for (version, entry) in
            numbered.flat_map(|(version, entries)| entries.iter().map(move |entry| (version, entry)))
        {
            if disabled.contains(&entry.name) {
                continue;
            }
            if let Err(problem) = ring.add(entry, version) {
                if matches!(problem, KeyProblemKind::Unreadable(_) | KeyProblemKind::Invalid(_)) {
                    disabled.insert(entry.name.clone());
                }
                problems.push(KeyProblem {
                    list: H::LIST,
                    name: entry.name.clone(),
                    problem,
                });
            }
        }
        ring.keys.retain(|key| !key.is_shared);
        (ring, problems)
    }

    fn add(&mut self, entry: &ListEntry<H::Fields>, version: usize) -> Result<(), KeyProblemKind> {
        let fields = entry.fields.as_ref().map_err(|at| KeyProblemKind::Unreadable(*at))?;
        let (holder, key) = H::from_fields(&entry.name, fields).map_err(KeyProblemKind::Invalid)?;
        let known = self.holders.iter().position(|known| known.name() == entry.name);
        let holder = known.unwrap_or_else(|| {
            self.holders.push(holder);
            self.holders.len() - 1
        });
        let key = key.expose_secret().trim_matches(['\r', '\n']);
        if key.chars().count() < SHORTEST {
            return Err(KeyProblemKind::Short);
        }
        let token = PlainToken::of(key);
        let Some(same) = self.keys.iter_mut().find(|key| key.token == token) else {
            self.keys.push(Key {
                token,
                holder,
                version,
                is_shared: false,
            });
            return Ok(());
        };
        // A newer version decides whose key it is: an entry can be renamed.
        if same.holder == holder || same.version < version {
            return Ok(());
        }
        same.is_shared = true;
        let other = same.holder;
        Err(KeyProblemKind::SharedKey(self.holders[other].name().to_owned()))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The holder of this key. Every key is tried, so the time taken does not reveal which one matched.
    #[must_use]
    pub fn holder_of(&self, sent: &str) -> Option<&H> {
        let sent = PlainToken::of(sent);
        let mut found = None;
        for key in &self.keys {
            if key.token == sent {
                found = Some(key.holder);
            }
        }
        found.and_then(|place| self.holders.get(place))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::producer::{Producer, ProducerFields};

    const KEY: &str = "a-key-of-16-signs";
    const NEXT: &str = "the-next-key-of-16";

    fn ring(versions: &[serde_json::Value]) -> (KeyRing<Producer>, Vec<String>) {
        let versions: Vec<Vec<ListEntry<ProducerFields>>> = versions
            .iter()
            .map(|list| serde_json::from_str(&list.to_string()).unwrap())
            .collect();
        let (ring, problems) = KeyRing::merge(versions.iter().map(Vec::as_slice));
        (ring, problems.iter().map(ToString::to_string).collect())
    }

    fn holder<'r>(ring: &'r KeyRing<Producer>, key: &str) -> Option<&'r str> {
        ring.holder_of(key).map(|producer| producer.name.as_str())
    }

    #[test]
    fn keys_of_every_version_count() {
        let current = json!([{"name": "agent", "key": NEXT, "services": ["copilot-agent"]}]);
        let previous =
            json!([{"name": "agent", "key": KEY, "registers": true}, {"name": "old", "key": "a-third-key-of-16"}]);
        let (ring, problems) = ring(&[current, previous]);
        assert_eq!(problems, [] as [&str; 0]);
        assert_eq!(
            (holder(&ring, KEY), holder(&ring, NEXT)),
            (Some("agent"), Some("agent"))
        );
        assert_eq!(holder(&ring, "a-third-key-of-16"), Some("old"));
        assert_eq!((holder(&ring, ""), holder(&ring, "other")), (None, None));
        let agent = ring.holder_of(KEY).unwrap();
        assert!(
            !agent.registers && agent.services.contains("copilot-agent"),
            "the newest version decides"
        );
    }

    #[test]
    fn newest_version_decides_names_and_rights() {
        let renamed = json!([{"name": "new-name", "key": KEY}]);
        let (by_new_name, problems) = ring(&[renamed, json!([{"name": "agent", "key": KEY}])]);
        assert_eq!((problems.len(), holder(&by_new_name, KEY)), (0, Some("new-name")));
        let narrowed = json!([{"name": "agent", "key": "short"}]);
        let (narrow, problems) = ring(&[narrowed, json!([{"name": "agent", "key": KEY, "registers": true}])]);
        assert_eq!(problems.len(), 1);
        assert!(!narrow.holder_of(KEY).unwrap().registers);
    }

    #[test]
    fn an_invalid_entry_disables_only_itself() {
        let good = json!({"name": "good", "key": KEY});
        let cases = [
            (json!({"name": "a", "key": NEXT, "service": "b"}), "a field is unknown"),
            (json!({"name": "a", "key": 5}), "a field is unknown"),
            (json!({"name": "a"}), "a field is unknown"),
            (
                json!({"name": "a", "key": NEXT, "services": ["processor"]}),
                "belongs to Countersign",
            ),
            (
                json!({"name": "a", "key": NEXT, "services": []}),
                "at least one service",
            ),
            (json!({"name": "a/b", "key": NEXT}), "`name` must have"),
            (json!({"name": "a", "key": "short"}), "fewer than 16"),
            (json!({"name": "a", "key": KEY}), "entry `good` has the same key"),
        ];
        for (entry, expected) in cases {
            let (ring, problems) = ring(&[json!([good, entry])]);
            assert!(problems[0].contains(expected), "{problems:?}");
            assert!(!problems[0].contains(NEXT), "{problems:?}");
            assert_eq!(holder(&ring, NEXT), None, "{entry}");
            let shared = expected.contains("same key");
            assert_eq!(holder(&ring, KEY).is_none(), shared, "{entry}");
        }
    }

    #[test]
    fn older_version_does_not_revive_an_invalid_entry() {
        let (ring, problems) = ring(&[
            json!([{"name": "a", "key": NEXT, "x": 1}]),
            json!([{"name": "a", "key": KEY}]),
        ]);
        assert_eq!((problems.len(), ring.is_empty()), (1, true));
    }
}
