//! The comment with the decision.

use rules::Wording;
use sha2::{Digest, Sha256};

use crate::MergeSummary;

/// The comment's id: Linear takes one from the caller, in the form of a UUID v4, and rejects a second comment with the same id.
pub(super) fn id(merge: &MergeSummary) -> String {
    let digest = Sha256::digest(format!("linear-comment/{}", merge.reference));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// The comment in Markdown.
pub(super) fn body(merge: &MergeSummary, wording: &Wording, stays_open: Option<&str>) -> String {
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
    let mut lines = vec![
        format!("**{heading} of {link}**"),
        String::new(),
        escaped(&merge.sentence(wording)),
        String::new(),
    ];
    if let Some(stays_open) = stays_open {
        lines.push(stays_open.to_owned());
        lines.push(String::new());
    }
    let particulars = merge.particulars().into_iter();
    lines.extend(particulars.map(|(name, value)| format!("- {name}: {}", escaped(&value))));
    lines.join("\n")
}

/// Text without meaning in Markdown. The colon is escaped too, so that a label never becomes a link or a mention.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ';' | '(' | ')' | '/' | '-' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
