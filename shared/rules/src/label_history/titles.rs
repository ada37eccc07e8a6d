//! The titles of security labels.

use std::collections::HashMap;

use crate::Rules;

/// Titles that are security labels by the rules, in any case; each text is matched once.
pub(super) struct Titles<'a> {
    rules: &'a Rules,
    found: HashMap<String, Option<usize>>,
    folded: HashMap<String, usize>,
    /// The name of each title.
    pub(super) names: Vec<String>,
}

impl<'a> Titles<'a> {
    pub(super) fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            found: HashMap::new(),
            folded: HashMap::new(),
            names: Vec::new(),
        }
    }

    /// The index of a security label's title; `None`: not a security label by the rules.
    pub(super) fn find(&mut self, title: &str) -> Option<usize> {
        if let Some(found) = self.found.get(title) {
            return *found;
        }
        let found = self.rules.is_security_label(title).then(|| {
            let next = self.names.len();
            let index = *self.folded.entry(title.to_lowercase()).or_insert(next);
            if index == next {
                self.names.push(title.to_owned());
            } else if title < self.names[index].as_str() {
                // Of several spellings of one label the first in sort order names it, wherever it was found.
                title.clone_into(&mut self.names[index]);
            }
            index
        });
        self.found.insert(title.to_owned(), found);
        found
    }
}
