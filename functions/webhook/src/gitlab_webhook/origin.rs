//! Whether the deliveries of an instance come from one GitLab: a plausibility check, never a reason to reject.
//!
//! `X-Gitlab-Instance` is not signed and does not identify an instance; the hook's entry in the secret does. But a token copied to
//! a second GitLab shows here: deliveries of one instance then name two addresses, or two instances name one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Longest address kept, in characters.
const MAX_CHARS: usize = 200;

/// The address that the deliveries of each instance named first, for the lifetime of this process.
#[derive(Debug, Default)]
pub struct Origins(Mutex<BTreeMap<String, String>>);

/// An address that differs from the usual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusual {
    /// The address in the delivery.
    pub named: String,
    /// The address in earlier deliveries of this instance; `None`: the address is that of another instance.
    pub before: Option<String>,
}

impl Origins {
    /// Compares the address that an authentic delivery of `instance` names with earlier ones.
    pub fn unusual(&self, instance: &str, named: Option<&str>) -> Option<Unusual> {
        let named = named?.trim_end_matches('/').to_ascii_lowercase();
        let named: String = named.chars().take(MAX_CHARS).collect();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(instance) {
            Some(before) if *before == named => None,
            Some(before) => Some(Unusual {
                before: Some(before.clone()),
                named,
            }),
            None => {
                let taken = known.values().any(|address| *address == named);
                known.insert(instance.to_owned(), named.clone());
                taken.then_some(Unusual { named, before: None })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_address_of_an_instance_is_unusual() {
        let origins = Origins::default();
        let unusual = |instance, named| origins.unusual(instance, named).map(|unusual| unusual.before);
        assert_eq!(unusual("main", None), None);
        assert_eq!(unusual("main", Some("https://git.example/")), None);
        assert_eq!(unusual("main", Some("https://GIT.example")), None);
        let before = Some("https://git.example".to_owned());
        assert_eq!(unusual("main", Some("https://other.example")), Some(before));
        assert_eq!(unusual("other", Some("https://git.example")), Some(None));
        assert_eq!(unusual("main", Some("https://git.example")), None);
    }
}
