//! Limits for texts from outside.

use serde_json::Value;

/// Longest title kept, in characters.
pub(super) const TITLE_CHARS: usize = 500;
/// Longest name, state or other identifier kept; GitLab's limit for label titles and usernames.
pub(super) const ID_CHARS: usize = 255;
/// Longest other text kept.
pub(super) const TEXT_CHARS: usize = 1_000;

/// Longest project path kept, in bytes. GitLab's are ASCII of at most 255; this limit always fits into a Postgres index row of
/// about 2,700 bytes.
pub(super) const PATH_BYTES: usize = 512;

/// Cuts a text to a number of bytes, between characters.
pub(super) fn within(mut text: String, max_bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(max_bytes));
    text
}

/// Cuts a text to a number of characters. Control characters are replaced: Postgres rejects NUL in any text, and the others do not
/// belong into a log line or a chat message.
pub(super) fn text(text: &str, max_chars: usize) -> String {
    let clean = |character: char| {
        if character.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        }
    };
    text.chars().take(max_chars).map(clean).collect()
}

/// A member that is a non-empty text.
pub(super) fn member(object: &Value, name: &str, max_chars: usize) -> Option<String> {
    object
        .get(name)
        .and_then(Value::as_str)
        .filter(|value| !value.is_empty())
        .map(|value| text(value, max_chars))
}
