//! Text on its way into the trail: redacted and bounded, by its type.

use serde::Serialize;

use crate::redact::redact;

/// A text that may be printed: what [redaction](crate#redaction) takes out is gone, and it is no longer than [`Text::LONGEST`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The longest text, in characters; of a longer one the beginning is kept, and `…` says so.
    pub const LONGEST: usize = 512;

    /// The text without what must not be printed.
    #[must_use]
    pub fn new(text: &str) -> Self {
        // Redaction first: a secret cut in half might not be known for one.
        let mut clean = redact(text).into_owned();
        if clean.contains('\0') {
            // Postgres holds none, neither in text nor in jsonb.
            clean = clean.replace('\0', "\u{fffd}");
        }
        Self(clean).shortened(Self::LONGEST)
    }

    /// At most so many characters of it.
    pub(crate) fn shortened(mut self, longest: usize) -> Self {
        // As many bytes are enough for none to be too long, and no text need be counted then.
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

    /// What is printed.
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
