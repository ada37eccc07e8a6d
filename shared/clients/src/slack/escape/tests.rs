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
