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
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_from_outside_is_escaped_or_replaced() {
        for (text, expected) in [
            ("Rotate keys", "Rotate keys"),
            ("<!channel> look", "&lt;!channel&gt; look"),
            (
                "<@U123> & <https://evil.example|here>",
                "&lt;@U123&gt; &amp; &lt;https://evil.example¦here&gt;",
            ),
            ("*bold* _it_ ~no~ `code`", "∗bold∗ ˍitˍ ∼no∼ ˋcodeˋ"),
            ("project_12_bot and sec_high, 2*3", "project_12_bot and sec_high, 2*3"),
            ("two\r\nlines\tand\u{2028}more", "two  lines and more"),
            ("&lt; stays what was written", "&amp;lt; stays what was written"),
        ] {
            assert_eq!(escape_markdown(text, 100), expected, "{text:?}");
        }
    }

    #[test]
    fn invisible_and_direction_characters_are_removed() {
        assert_eq!(
            escape_plain("a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{0}f\u{7f}g\u{e0041}h", 100),
            "abcdefgh"
        );
        assert_eq!(escape_plain("Grüße 日本 🔒", 100), "Grüße 日本 🔒");
    }

    #[test]
    fn long_text_is_cut_outside_escapes_with_ellipsis() {
        for (text, limit, expected) in [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 5, "abcd…"),
            ("ab&", 7, "ab&amp;"),
            ("ab&", 6, "ab…"),
            ("ab🔒", 4, "ab🔒"),
            ("ab🔒c", 4, "ab…"),
            ("", 0, ""),
        ] {
            assert_eq!(escape_markdown(text, limit), expected, "{text:?} in {limit}");
        }
    }

    #[test]
    fn only_a_plain_web_address_becomes_a_link() {
        for url in [
            "",
            "javascript:alert(1)",
            "gitlab.example.com/x",
            "https://gitlab.example.com/a|b",
            "https://gitlab.example.com/a>b",
            "https://gitlab.example.com/a b",
            "https://gitlab.example.com/\u{202e}b",
            "https://gitlab.example.com@evil.example/",
            "https://evil.example\\@gitlab.example.com/",
        ] {
            assert_eq!(safe_address(url), None, "{url}");
            assert!(!escape_link(url, "title", 3000).contains('<'), "{url}");
        }
        let url = "https://gitlab.example.com/a/-/merge_requests/1?x=1&y=2";
        assert_eq!(
            escape_link(url, "a|b>c", 3000),
            "<https://gitlab.example.com/a/-/merge_requests/1?x=1&amp;y=2|a¦b&gt;c>"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_inert_and_within_limits(text in "\\PC*|[<>!&|*_~`@#a \u{202e}\u{0}🔒]*", limit in 1_usize..200) {
            let written = escape_markdown(&text, limit);
            prop_assert!(length(&written) <= limit);
            prop_assert!(!written.contains(['<', '>', '|']));
            prop_assert!(!written.chars().any(hidden));
            let bare = written.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
            prop_assert!(!bare.contains('&'));
            prop_assert!(length(&escape_plain(&text, limit)) <= limit);
            prop_assert!(length(&cut(&text, limit)) <= limit);
        }

        #[test]
        fn a_link_is_within_its_limit(url in "(https://[a-z]{1,10}/)?\\PC*", text in "\\PC*", limit in 20_usize..400) {
            prop_assert!(length(&escape_link(&url, &text, limit)) <= limit);
        }
    }
}
