//! Issue keys in the texts of a merge request.

use model::{IssueMention, MentionPlace};

/// Maximum keys kept: more are unlikely to be links, and each may be looked up.
const MOST: usize = 20;
/// Longest prefix of a key, in characters; Linear allows 7, Jira 10 by default.
const LONGEST_PREFIX: usize = 10;
/// Longest number of a key.
const LONGEST_NUMBER: usize = 9;

/// Possible issue keys, in upper case, each once: from the branch first, then the title, then the description.
#[must_use]
pub fn mentions(branch: &str, title: &str, description: &str) -> Vec<IssueMention> {
    let places = [
        (MentionPlace::Branch, branch),
        (MentionPlace::Title, title),
        (MentionPlace::Description, description),
    ];
    let mut found: Vec<IssueMention> = Vec::new();
    for (place, text) in places {
        for key in keys(text, place == MentionPlace::Branch) {
            if found.len() < MOST && found.iter().all(|known| known.key != key) {
                found.push(IssueMention { place, key });
            }
        }
    }
    found
}

/// Every `ABC-123` that is a separate word. In prose, `CVE-2026-1234` is not a key; in a branch, anything may follow.
fn keys(text: &str, is_branch: bool) -> impl Iterator<Item = String> {
    let bytes = text.as_bytes();
    let dashes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'-');
    dashes.filter_map(move |(dash, _)| {
        let before = bytes[..dash].iter().rev();
        let prefix = before.take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let number = bytes[dash + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (start, end) = (dash - prefix, dash + 1 + number);
        let is_key = (2..=LONGEST_PREFIX).contains(&prefix)
            && bytes[start].is_ascii_alphabetic()
            && (1..=LONGEST_NUMBER).contains(&number)
            && bytes[dash + 1] != b'0'
            && !continues(&text[..start], &text[end..])
            && (is_branch || !(text[..start].ends_with('-') || more_numbers(&bytes[end..])));
        is_key.then(|| text[start..end].to_ascii_uppercase())
    })
}

/// Whether the word continues before or after.
fn continues(before: &str, after: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    before.chars().next_back().is_some_and(in_word) || after.chars().next().is_some_and(in_word)
}

fn more_numbers(after: &[u8]) -> bool {
    matches!(after, [b'-' | b'.', digit, ..] if digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(branch: &str, title: &str, description: &str) -> Vec<String> {
        let found = mentions(branch, title, description).into_iter();
        found.map(|mention| mention.key).collect()
    }

    #[test]
    fn isolated_key_is_found_in_any_case() {
        for (text, expected) in [
            ("ENG-123", vec!["ENG-123"]),
            ("Fix eng-123: rotate", vec!["ENG-123"]),
            ("(ENG-1), [PAY2-20]", vec!["ENG-1", "PAY2-20"]),
            ("https://linear.app/acme/issue/ENG-123/rotate-keys", vec!["ENG-123"]),
            ("https://example.atlassian.net/browse/PAY-7?x=1", vec!["PAY-7"]),
            ("ENG-0123 ENG-0 E-1 1AB-2 ENG- -12 ENGINEERING1-2", vec![]),
            ("XENG-1y _ENG-1 ENG-1_ ñENG-1 ENG-1ñ x-ENG-1", vec![]),
            ("CVE-2026-1234 and TLS-1.3", vec![]),
            ("ENG-1.", vec!["ENG-1"]),
            ("ENG-1 ENG-1", vec!["ENG-1"]),
            ("größe-1 ÄB-2", vec![]),
        ] {
            assert_eq!(found("", text, ""), expected, "{text}");
            assert_eq!(found("", "", text), expected, "{text}");
        }
    }

    #[test]
    fn a_branch_may_continue_after_the_key() {
        for (branch, expected) in [
            ("ada/eng-123-fix-it", vec!["ENG-123"]),
            ("feature/PAY-7-2-factor", vec!["PAY-7"]),
            ("fix-eng-4", vec!["ENG-4"]),
            ("eng-12", vec!["ENG-12"]),
        ] {
            assert_eq!(found(branch, "", ""), expected, "{branch}");
        }
    }

    #[test]
    fn branch_precedes_title_and_title_precedes_description() {
        assert_eq!(found("b/bb-2", "AA-1", "BB-2 CC-3 AA-1"), ["BB-2", "AA-1", "CC-3"]);
    }

    #[test]
    fn a_flood_of_keys_is_cut() {
        let flood: Vec<String> = (1..1000).map(|number| format!("ENG-{number}")).collect();
        assert_eq!(found("", "", &flood.join(" ")).len(), MOST);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in ".{0,200}", dashes in "[-a-zA-Z0-9é]{0,60}") {
            for key in found(&text, &dashes, &format!("{dashes}{text}")) {
                prop_assert!(key.split_once('-').is_some_and(|(prefix, number)| prefix.len() > 1 && number.parse::<u64>().is_ok()));
            }
        }
    }
}
