//! Replaces secrets and personal data by the name of their kind: `[token]`, `[e-mail]`, `[query]`, `[credentials]`, `[pem]`.
//!
//! If in doubt it removes too much. One pass in linear time for any content; a text without a match is not copied.

mod address;
mod named;
mod token;

use std::borrow::Cow;

/// Replaces a secret.
const TOKEN: &str = "[token]";

/// A part of a text, in bytes, and the name that replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    from: usize,
    to: usize,
    name: &'static str,
}

/// The text without secrets and personal data.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let mut scan = Scan {
        text,
        at: 0,
        kept: 0,
        url_end: 0,
        plain_end: 0,
    };
    let Some(first) = scan.next() else {
        return Cow::Borrowed(text);
    };
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for found in std::iter::once(first).chain(scan) {
        clean.push_str(text.get(from..found.from).unwrap_or_default());
        clean.push_str(found.name);
        from = found.to;
    }
    clean.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(clean)
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// Where the last match ended: no later match begins before it.
    kept: usize,
    /// Where the address that contains `at` ends; before `at`: in none.
    url_end: usize,
    /// Where the run without a query ends; before `at`: not known.
    plain_end: usize,
}

impl Iterator for Scan<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            let mut next = self.at + 1;
            let found = if token::is_part(byte) {
                next = end_of(bytes, self.at, token::is_part);
                token::find(bytes, self.at, next)
            } else {
                self.punctuation(bytes, byte)
            };
            if let Some(found) = found.map(|found| whole(bytes, found)) {
                (self.at, self.kept) = (found.to, found.to);
                return Some(found);
            }
            self.at = next;
        }
        None
    }
}

impl Scan<'_> {
    /// A match that begins or ends at a punctuation mark of an address.
    fn punctuation(&mut self, bytes: &[u8], byte: u8) -> Option<Found> {
        let starts = |mark: &[u8]| bytes.get(self.at..).is_some_and(|rest| rest.starts_with(mark));
        match byte {
            b'@' => address::mail(bytes, self.kept, self.at, 1),
            b'%' if starts(b"%40") => address::mail(bytes, self.kept, self.at, 3),
            b':' if starts(b"://") => {
                if self.at >= self.url_end {
                    self.url_end = end_of(bytes, self.at, address::is_part);
                }
                address::credentials(bytes, self.at + 3, self.url_end)
            }
            b'?' | b'#' if self.at >= self.plain_end => {
                let in_address = byte == b'?' && self.at < self.url_end;
                let found = address::query(bytes, self.at + 1, in_address);
                found.map_err(|end| self.plain_end = end).ok()
            }
            _ => None,
        }
    }
}

/// The match, extended by any secret that begins within it and ends later: `?key=Bearer ...`.
fn whole(bytes: &[u8], mut found: Found) -> Found {
    let mut at = found.from;
    while at < found.to {
        let end = end_of(bytes, at, token::is_part).max(at + 1);
        let inner = token::find(bytes, at, end);
        at = inner.map_or(end, |inner| inner.to.max(end));
        found.to = found.to.max(inner.map_or(0, |inner| inner.to));
    }
    found
}

/// Where the run of `part` that begins at `from` ends.
fn end_of(bytes: &[u8], from: usize, part: impl Fn(u8) -> bool) -> usize {
    let run = bytes.iter().skip(from).take_while(|&&byte| part(byte));
    from + run.count()
}

#[cfg(test)]
mod tests;
