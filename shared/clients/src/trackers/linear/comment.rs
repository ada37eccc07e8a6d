//! The comment with the decision.

use rules::Wording;
use sha2::{Digest, Sha256};

use crate::MergeSummary;
use crate::trackers::comment::Markup;

/// The comment's id: Linear takes one from the caller, in the form of a UUID v4, and rejects a second comment with the same id.
pub(super) fn id(merge: &MergeSummary) -> String {
    let digest = Sha256::digest(format!("linear-comment/{}", merge.reference));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// Markdown. The colon is escaped too, so that a label never becomes a link or a mention.
const MARKDOWN: Markup = Markup {
    title: |heading, link| format!("**{heading} of {link}**"),
    link: |name, url| format!("[{name}]({url})"),
    item: "-",
    is_special: |c| c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ';' | '(' | ')' | '/' | '-' | '\''),
};

pub(super) fn body(merge: &MergeSummary, wording: &Wording, stays_open: Option<&str>) -> String {
    MARKDOWN.comment(merge, wording, stays_open).join("\n")
}
