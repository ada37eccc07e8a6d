//! The comment that says what was decided.

use rules::Wording;
use sha2::{Digest, Sha256};

use crate::ArchivedMerge;

/// The comment's id: Linear takes one from the caller, in the form of a UUID v4, and refuses a second comment of the same.
pub(super) fn id(merge: &ArchivedMerge) -> String {
    let digest = Sha256::digest(format!("linear-comment/{}", merge.reference));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// The comment in Markdown.
pub(super) fn body(merge: &ArchivedMerge, wording: &Wording, will_close: bool) -> String {
    let mut body = String::new();
    let heading = if merge.is_correction {
        "Security review: corrected"
    } else {
        "Security review"
    };
    let name = escaped(&merge.name());
    let link = match crate::address::shown(&merge.row.web_url) {
        Some(url) => format!("[{name}]({url})"),
        None => name,
    };
    body.push_str(&format!(
        "**{heading} of {link}**\n\n{}\n",
        escaped(&merge.sentence(wording))
    ));
    if merge.is_exception() && !will_close {
        body.push_str("\nThis issue stays open until somebody has looked at the merge.\n");
    }
    for (name, value) in merge.particulars() {
        body.push_str(&format!("\n- {name}: {}", escaped(&value)));
    }
    body.push('\n');
    body
}

/// Text that Markdown leaves as it is.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ':' | ';' | '(' | ')' | '/' | '-' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
