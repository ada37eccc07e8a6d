//! Text from outside on one line: without line breaks, control characters, invisible characters and bidirectional controls.

/// The longest beginning of `text` within `limit` UTF-16 units, with an ellipsis if something was cut.
pub(crate) fn line(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for c in visible(text) {
        if used + c.len_utf16() >= limit {
            out.push('…');
            return out;
        }
        used += c.len_utf16();
        out.push(c);
    }
    out
}

/// Line breaks and tabs become spaces; control characters, invisible characters and bidirectional controls are left out.
pub(crate) fn visible(text: &str) -> impl Iterator<Item = char> {
    let spaced = text.trim().chars().map(|c| {
        if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') {
            ' '
        } else {
            c
        }
    });
    spaced.filter(|&c| !hidden(c))
}

/// A vendor's error code if it consists of characters that codes have; other text is not repeated.
pub(crate) fn error_code(code: &str, is_part: fn(u8) -> bool) -> &str {
    if (1..=64).contains(&code.len()) && code.bytes().all(is_part) {
        code
    } else {
        "with an unrecognized error"
    }
}

pub(crate) fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}'
        )
}
