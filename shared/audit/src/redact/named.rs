//! Secrets without a typical prefix, found by the words before them.

use super::{Found, TOKEN, end_of};

/// Schemes of the `Authorization` header; credentials follow them.
const SCHEMES: [&[u8]; 2] = [b"bearer", b"basic"];
/// Names whose value, after `=` or `:`, is a secret.
const NAMES: [&[u8]; 11] = [
    b"password",
    b"passwd",
    b"private-token",
    b"gitlab-token",
    b"api_key",
    b"api-key",
    b"apikey",
    b"secret_key",
    b"access_token",
    b"secret_access_key",
    b"session_token",
];
/// The same for everything to the end of the line.
const HEADERS: [&[u8]; 2] = [b"authorization", b"cookie"];
/// Names whose value is a secret only after `=`: `arn:aws:secretsmanager:...:secret:name` is not one.
const SHORT_NAMES: [&[u8]; 2] = [b"secret", b"token"];

/// The secret that the word announces: `Bearer ...`, `"password": "..."`, `Private-Token: ...`.
pub(super) fn after(bytes: &[u8], from: usize, to: usize) -> Option<Found> {
    let word = bytes.get(from..to)?;
    if SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme)) {
        let value = end_of(bytes, to, |byte| byte == b' ');
        let end = end_of(bytes, value, |byte| byte > b' ' && !matches!(byte, b'"' | b'\\'));
        return (value > to && end > value).then_some(Found {
            from: value,
            to: end,
            name: TOKEN,
        });
    }
    // Between a name and its value: a quotation mark, perhaps escaped, blanks, the sign, and the same again.
    let blank = |byte| matches!(byte, b'"' | b'\'' | b'\\' | b' ');
    let sign = end_of(bytes, to, blank);
    let mark = *bytes.get(sign).filter(|byte| matches!(byte, b':' | b'='))?;
    let value = end_of(bytes, sign + 1, blank);
    let end = value_of(word, mark, bytes, value)?;
    Some(Found {
        from: value,
        to: end,
        name: TOKEN,
    })
}

/// Where the value at `from` ends, if `name` is the name of a secret and the value is not empty.
pub(super) fn value_of(name: &[u8], mark: u8, bytes: &[u8], from: usize) -> Option<usize> {
    let ends = |names: &[&[u8]]| {
        names.iter().any(|secret| {
            let start = name.len().checked_sub(secret.len());
            start
                .and_then(|start| name.get(start..))
                .is_some_and(|end| end.eq_ignore_ascii_case(secret))
        })
    };
    let end = if ends(&HEADERS) {
        end_of(bytes, from, |byte| !matches!(byte, b'\n' | b'\r' | b'"'))
    } else if ends(&NAMES) || (mark == b'=' && ends(&SHORT_NAMES)) {
        end_of(bytes, from, is_value)
    } else {
        return None;
    };
    (end > from).then_some(end)
}

fn is_value(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'"' | b'\'' | b'\\' | b',' | b';' | b'&' | b'<' | b'>')
}
