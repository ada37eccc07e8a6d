//! Every form in which GitLab writes an instant.

use jiff::Timestamp;

/// Longer than every format; longer texts are not timestamps and are not read.
const MAX_BYTES: usize = 64;

/// Reads a timestamp of a webhook or of the REST API.
///
/// Webhooks of a self-managed instance use its time zone (`2026-01-31 19:29:18 +0100`), GitLab.com writes `2026-01-16 05:56:22
/// UTC`, commits have ISO 8601 with an offset and everything else ISO 8601 with `Z`. One sample of GitLab's documentation has a
/// space within the time (`2015-04-08T21: 00:25-07:00`) and is accepted.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > MAX_BYTES || !text.is_ascii() {
        return None;
    }
    let (date, time) = text.split_at_checked("2026-01-31".len())?;
    let time = time.strip_prefix([' ', 'T', 't'])?;
    let time = time
        .strip_suffix("UTC")
        .map_or_else(|| time.to_owned(), |time| format!("{time}Z"));
    format!("{date}T{}", time.replace(' ', "")).parse().ok()
}

#[cfg(test)]
mod tests;
