//! Which lines are commands, compared with a complete Markdown parser.

use proptest::prelude::*;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::*;

fn grammar() -> Grammar {
    Grammar::parse("/copilot,@copilot").unwrap()
}

fn verbs(note: &str) -> Vec<String> {
    commands(note, &grammar())
        .into_iter()
        .map(|command| command.verb)
        .collect()
}

#[test]
fn a_command_is_a_whole_line() {
    let cases: [(&str, &[&str]); 22] = [
        ("/copilot fix", &["fix"]),
        ("/Copilot Fix the tests", &["fix"]),
        ("@copilot review", &["review"]),
        ("/copilot", &[""]),
        ("Thanks!\n/copilot fix\nand more", &["fix"]),
        ("/copilot fix\r\nplease", &["fix"]),
        ("/label ~backend\n/copilot fix", &["fix"]),
        ("/copilot fix `rm -rf` <script>", &["fix"]),
        ("- item\n/copilot fix", &["fix"]),
        ("> quoted\n\n/copilot fix", &["fix"]),
        ("```\ncode\n```\n/copilot fix", &["fix"]),
        ("<!-- note -->\n/copilot fix", &["fix"]),
        ("a \\` b\n/copilot fix\n`", &["fix"]),
        ("/copilots fix", &[]),
        ("/copilot-x fix", &[]),
        (" /copilot fix", &[]),
        ("please /copilot fix", &[]),
        ("`/copilot fix`", &[]),
        ("/copilot a\n/copilot a\n/copilot b", &["a", "a", "b"]),
        (
            "/copilot 1\n/copilot 2\n/copilot 3\n/copilot 4\n/copilot 5\n/copilot 6",
            &["1", "2", "3", "4", "5"],
        ),
        ("", &[]),
        ("ä/copilot fix", &[]),
    ];
    for (note, expected) in cases {
        assert_eq!(verbs(note), expected, "{note:?}");
    }
}

#[test]
fn code_quotes_and_comments_hold_no_command() {
    let cases = [
        "```\n/copilot fix\n```",
        "~~~ text\n/copilot fix",
        "````\n```\n/copilot fix\n````",
        "    /copilot fix",
        "\t/copilot fix",
        "> /copilot fix",
        "> quoted\n/copilot fix",
        ">>>\n/copilot fix\n\n/copilot fix\n>>>",
        "<!--\n/copilot fix\n-->",
        "<!--\n\n/copilot fix\n",
        "text <!-- a\n/copilot fix\n--> b",
        "a `b\n/copilot fix\nc` d",
        "a \\``b\n/copilot fix\nc` d",
        "<pre>\n\n/copilot fix\n</pre>",
        "<details>\n/copilot fix\n",
        "<BLOCKQUOTE>\n\n/copilot fix\n\n</BLOCKQUOTE>",
        "<![CDATA[\n\n/copilot fix\n]]>",
        "<?php\n\n/copilot fix\n?>",
        "<!DOCTYPE\n\n/copilot fix\n>",
        "x\r```\n/copilot fix\n```",
        "1. x\n   ```\n/copilot a\n\n```\n/copilot b\n```",
    ];
    for note in cases {
        assert_eq!(verbs(note), [] as [&str; 0], "{note:?}");
    }
}

#[test]
fn ordinals_count_equal_verbs_and_arguments_follow() {
    let found = commands("/copilot Review  src/a b \n/copilot fix\n/copilot review", &grammar());
    let parts: Vec<_> = found
        .iter()
        .map(|command| (command.verb.as_str(), command.ordinal, command.arguments.as_str()))
        .collect();
    assert_eq!(parts, [("review", 0, "src/a b"), ("fix", 0, ""), ("review", 1, "")]);
    assert_eq!(found[0].prefix, "/copilot");
}

#[test]
fn prefixes_that_cannot_be_found_are_refused() {
    for list in ["", "/", "/a b", "/copilot,", "> x", "`x`", "größe", &"/x,".repeat(11)] {
        assert_eq!(Grammar::parse(list), Err(InvalidPrefixes), "{list}");
    }
}

#[test]
fn a_megabyte_is_read_in_linear_time() {
    // Each would take hours if it were quadratic.
    for pattern in [
        "`\n/copilot x\n",
        "``` `` ` \n",
        "<!-- \n/copilot x\n",
        "\\`",
        ">>>\n",
        "<pre>\n",
        "a <!-- `\n",
    ] {
        let _ = commands(&pattern.repeat(1_000_000 / pattern.len()), &grammar());
    }
}

/// Whether a reader sees this place as text outside of code and quotations, by a complete parser.
fn is_visible_text(note: &str, at: usize) -> bool {
    let mut enclosed = 0_u32;
    for (event, range) in Parser::new(note).into_offset_iter() {
        match event {
            Event::Start(Tag::BlockQuote(_) | Tag::CodeBlock(_) | Tag::HtmlBlock) => enclosed += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::CodeBlock | TagEnd::HtmlBlock) => enclosed -= 1,
            Event::Code(_) | Event::Html(_) | Event::InlineHtml(_) if range.contains(&at) => return false,
            Event::Text(_) if range.contains(&at) => return enclosed == 0,
            _ => (),
        }
    }
    false
}

fn markup() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("/copilot fix\n"),
        Just("/copilot fix\n"),
        Just("/copilot fix\n"),
        Just("text\n"),
        Just("\n"),
        Just("```\n"),
        Just("~~~~\n"),
        Just("> "),
        Just(">>>\n"),
        Just("<!--"),
        Just("-->"),
        Just("`"),
        Just("``"),
        Just("\\"),
        Just("- "),
        Just("1. "),
        Just("   "),
        Just("    "),
        Just("\t"),
        Just("<pre>"),
        Just("</pre>"),
        Just("# "),
        Just("a "),
        Just("\r\n"),
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_reader_sees_every_found_command(note in markup()) {
        let grammar = grammar();
        for (at, line) in lines::text_lines(&note, |line| grammar.split_line(line).is_some()) {
            prop_assert!(is_visible_text(&note, at), "{line:?} at {at} of {note:?}");
        }
    }

    #[test]
    fn fencing_any_text_yields_none(note in markup(), text in ".{0,40}", tilde: bool) {
        let mark = if tilde { "~" } else { "`" };
        let fence = mark.repeat(note.len() + text.len() + 3);
        prop_assert_eq!(verbs(&format!("{fence}\n{note}{text}\n/copilot fix\n{fence}\n")), Vec::<String>::new());
    }

    #[test]
    fn no_text_panics(note in any::<String>()) {
        let _ = commands(&note, &grammar());
    }
}
