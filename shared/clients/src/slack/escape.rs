//! Sanitizes text from outside: it cannot mention users, form a link, hide, or change the look of the message.

use url::Url;

use crate::plain::{hidden, visible};

/// Length as Slack may count it: UTF-16 units, at least the number of characters.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The longest beginning of `text` within `limit`, with an ellipsis if something was cut. Cuts between characters.
pub(super) fn cut(text: &str, limit: usize) -> String {
    fit(text.chars().map(|c| (c, None)), limit)
}

/// Plain text for a `plain_text` object: one line, without invisible characters.
pub(super) fn escape_plain(text: &str, limit: usize) -> String {
    fit(visible(text).map(|c| (c, None)), limit)
}

/// Text for a `mrkdwn` object: [`escape_plain`] with Slack's markup replaced by a look-alike or escaped
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>). The limit counts the text as sent.
pub(super) fn escape_markdown(text: &str, limit: usize) -> String {
    let characters: Vec<char> = visible(text).collect();
    let in_word = |index: Option<usize>| {
        index
            .and_then(|i| characters.get(i))
            .is_some_and(|c| c.is_alphanumeric())
    };
    let written = characters.iter().enumerate().map(|(index, &c)| {
        // Formatting starts and ends at the edge of a word, so `sec_high` stays as it is.
        let inside = in_word(index.checked_sub(1)) && in_word(Some(index + 1));
        match c {
            '&' => (c, Some("&amp;")),
            '<' => (c, Some("&lt;")),
            '>' => (c, Some("&gt;")),
            // Ends the address within a link.
            '|' => ('¦', None),
            '*' if !inside => ('∗', None),
            '_' if !inside => ('ˍ', None),
            '~' if !inside => ('∼', None),
            '`' => ('ˋ', None),
            other => (other, None),
        }
    });
    fit(written, limit)
}

/// `text` as a link to `url`; if the URL is unsafe in a link, both as text.
pub(super) fn escape_link(url: &str, text: &str, limit: usize) -> String {
    match safe_address(url) {
        Some(address) if length(&address) < limit / 2 => {
            let text = escape_markdown(text, limit - length(&address) - 3);
            format!("<{address}|{text}>")
        }
        _ => format!(
            "{} ({})",
            escape_markdown(text, limit / 2),
            escape_markdown(url, limit / 2 - 4)
        ),
    }
}

/// An address for use in a link: http or https, without credentials and without characters that could end the link.
pub(super) fn safe_address(text: &str) -> Option<String> {
    let clean = text
        .chars()
        .all(|c| !matches!(c, '|' | '<' | '>' | '"' | '\\') && !c.is_whitespace() && !hidden(c));
    let url = Url::parse(text).ok().filter(|_| clean)?;
    let safe = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    // As parsed: host names are in punycode, so that look-alikes are visible.
    safe.then(|| url.as_str().replace('&', "&amp;"))
}

/// Joins pieces as long as they fit; each piece stays whole, so that no escape is cut.
fn fit(pieces: impl Iterator<Item = (char, Option<&'static str>)>, limit: usize) -> String {
    let mut text = String::new();
    let mut used = 0;
    // The last length that still leaves room for the ellipsis.
    let mut room = 0;
    for (c, escaped) in pieces {
        let size = escaped.map_or(c.len_utf16(), str::len);
        if used + size > limit {
            text.truncate(room);
            text.push('…');
            return text;
        }
        match escaped {
            Some(escaped) => text.push_str(escaped),
            None => text.push(c),
        }
        used += size;
        if used < limit {
            room = text.len();
        }
    }
    text
}

#[cfg(test)]
mod tests;
