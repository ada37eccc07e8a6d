//! Terminal output: colour on terminals only, and no control characters from outside.

use std::borrow::Cow;
use std::fmt;
use std::io::IsTerminal as _;

use clap::ValueEnum;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it is.
    Plain,
    /// A heading.
    Bold,
    /// Less important.
    Dim,
    /// A failure.
    Red,
    /// Open or missing.
    Yellow,
    /// Correct.
    Green,
}

/// Whether this run writes colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Palette(bool);

impl Palette {
    #[expect(
        clippy::disallowed_methods,
        reason = "NO_COLOR is the convention of terminals (no-color.org), not configuration"
    )]
    pub(crate) fn new(color: Color) -> Self {
        Self(match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
            }
        })
    }

    pub(crate) fn paint(self, style: Style, text: impl fmt::Display) -> String {
        let code = match style {
            Style::Plain => return text.to_string(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Red => "31",
            Style::Yellow => "33",
            Style::Green => "32",
        };
        if self.0 {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_string()
        }
    }
}

/// Replaces every character of a text from outside that could move the cursor, colour the screen or change the writing direction.
pub(crate) fn sanitize(text: &str) -> Cow<'_, str> {
    let is_unsafe = |character: char| {
        character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    if text.contains(is_unsafe) {
        Cow::Owned(text.replace(is_unsafe, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_outside_cannot_steer_the_terminal() {
        let cases = [
            ("plain ä 好 !", "plain ä 好 !"),
            ("\u{1b}[31mred", "\u{fffd}[31mred"),
            ("a\nb\tc\u{9b}d", "a\u{fffd}b\u{fffd}c\u{fffd}d"),
            ("\u{202e}txt.exe", "\u{fffd}txt.exe"),
        ];
        for (text, shown) in cases {
            assert_eq!(sanitize(text), shown);
        }
    }

    #[test]
    fn colour_is_written_only_where_it_is_wanted() {
        assert_eq!(Palette::new(Color::Never).paint(Style::Red, "timeout"), "timeout");
        assert_eq!(
            Palette::new(Color::Always).paint(Style::Red, "timeout"),
            "\u{1b}[31mtimeout\u{1b}[0m"
        );
    }
}
