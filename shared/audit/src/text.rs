//! Text for the audit log: its type guarantees that it is redacted and bounded.

use serde::Serialize;

use crate::redact::redact;

/// A printable text: [redaction](crate#redaction) is done, and it is no longer than [`Text::LONGEST`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The longest text, in characters; a longer one is cut and ends in `…`.
    pub const LONGEST: usize = 512;

    /// The text without secrets and personal data.
    #[must_use]
    pub fn new(text: &str) -> Self {
        // Redact first: a secret cut in half might not be recognized.
        let mut clean = redact(text).into_owned();
        if clean.contains('\0') {
            // Postgres accepts no NUL in text or jsonb.
            clean = clean.replace('\0', "\u{fffd}");
        }
        Self(clean).shortened(Self::LONGEST)
    }

    /// At most this many characters of it.
    pub(crate) fn shortened(mut self, longest: usize) -> Self {
        // A text with no more bytes than this is short enough without counting characters.
        if self.0.len() > longest && self.0.chars().count() > longest {
            let end = self
                .0
                .char_indices()
                .nth(longest.saturating_sub(1))
                .map_or(0, |(end, _)| end);
            self.0.truncate(end);
            self.0.push('…');
        }
        self
    }

    /// The printed text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
