//! Label patterns: a case-insensitive glob over the whole label title.

use serde::{Deserialize, Serialize};

/// `security::*`: letters match in any case, `*` matches any run of characters, everything else matches itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelPattern(String);

impl LabelPattern {
    /// A pattern; `None` if it is blank, or would match every label.
    #[must_use]
    pub fn new(pattern: &str) -> Option<Self> {
        let pattern = pattern.trim();
        (!pattern.trim_matches('*').is_empty()).then(|| Self(pattern.to_lowercase()))
    }

    /// Whether the whole title matches. Linear in the title for each `*`: a malicious title cannot make it slow.
    #[must_use]
    pub fn matches(&self, title: &str) -> bool {
        let title = title.to_lowercase();
        let mut pieces = self.0.split('*');
        let Some(first) = pieces.next() else {
            return false;
        };
        let Some(mut rest) = title.strip_prefix(first) else {
            return false;
        };
        let mut pieces: Vec<&str> = pieces.collect();
        let Some(last) = pieces.pop() else {
            return rest.is_empty();
        };
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::LabelPattern;

    #[test]
    fn pattern_matches_whole_title_in_any_case() {
        for (pattern, title, expected) in [
            ("security::*", "security::high", true),
            ("security::*", "Security::HIGH", true),
            ("security::*", "security::", true),
            ("security::*", "my security::high", false),
            ("sec/*", "sec/critical", true),
            ("sec/*", "section/critical", false),
            ("sec/*", "sec", false),
            ("*critical", "sec/critical", true),
            ("*critical", "critically", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("needs-security", "needs-security", true),
            ("needs-security", "needs-security2", false),
            ("sécurité*", "SÉCURITÉ::haute", true),
        ] {
            assert_eq!(
                LabelPattern::new(pattern).unwrap().matches(title),
                expected,
                "{pattern} on {title}"
            );
        }
    }

    #[test]
    fn pattern_matching_every_label_is_refused() {
        for pattern in ["", "  ", "*", "**"] {
            assert_eq!(LabelPattern::new(pattern), None, "{pattern:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn title_matches_itself_exactly_and_between_stars(title in "[^*]{1,40}", around in "[^*]{0,20}") {
            if let Some(exact) = LabelPattern::new(&title) {
                proptest::prop_assert!(exact.matches(title.trim()));
            }
            if let Some(open) = LabelPattern::new(&format!("*{title}*")) {
                let whole = format!("{around}{title}{around}");
                proptest::prop_assert!(open.matches(&whole), "{:?} on {:?}", open, whole);
            }
        }
    }
}
