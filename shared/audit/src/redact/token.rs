//! Tokens and keys, found by their issuers' prefixes.

use super::{Found, TOKEN, named};

/// Prefixes of tokens: GitLab (<https://docs.gitlab.com/security/tokens/#token-prefixes>), Slack
/// (<https://docs.slack.dev/authentication/tokens>), Linear, and secrets of Standard Webhooks.
const PREFIXES: [&[u8]; 28] = [
    b"glpat-",
    b"gloas-",
    b"gldt-",
    b"glrt-",
    b"glrtr-",
    b"glcbt-",
    b"glptt-",
    b"glft-",
    b"glimt-",
    b"glagent-",
    b"glwt-",
    b"glsoat-",
    b"glffct-",
    b"GR1348941",
    b"xoxb-",
    b"xoxp-",
    b"xoxa-",
    b"xoxr-",
    b"xoxs-",
    b"xoxc-",
    b"xoxd-",
    b"xoxe-",
    b"xoxe.",
    b"xapp-",
    b"lin_api_",
    b"lin_oauth_",
    b"lin_wh_",
    b"whsec_",
];
/// Prefixes that ordinary words also have ("weighs_", "task-"), with the fewest bytes that follow in a token: GitHub
/// (<https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>), and keys of language models.
const COMMON_PREFIXES: [(&[u8], usize); 7] = [
    (b"ghp_", 30),
    (b"gho_", 30),
    (b"ghu_", 30),
    (b"ghs_", 30),
    (b"ghr_", 30),
    (b"github_pat_", 20),
    (b"sk-", 30),
];
/// AWS access keys: these, and sixteen capitals or digits
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>).
const ACCESS_KEYS: [&[u8]; 2] = [b"AKIA", b"ASIA"];
/// Fewer bytes after a prefix only mention it.
const SHORTEST: usize = 6;

/// Characters of a token: base64 of both alphabets, a JWT's dots, PEM's dashes. A word is a run of these.
pub(super) fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'+' | b'=' | b'~')
}

/// The first secret that begins within the word, or that the word announces.
pub(super) fn find(bytes: &[u8], from: usize, to: usize) -> Option<Found> {
    within(bytes, from, to).or_else(|| named::after(bytes, from, to))
}

/// The first secret within the word; it extends to the end of the word.
fn within(bytes: &[u8], from: usize, to: usize) -> Option<Found> {
    let word = bytes.get(from..to)?;
    let found = |at| Found {
        from: from + at,
        to,
        name: TOKEN,
    };
    let last_dot = word.iter().rposition(|&byte| byte == b'.');
    for (at, byte) in word.iter().enumerate() {
        // Most bytes begin no secret.
        if !matches!(
            byte,
            b'g' | b'G' | b'x' | b'l' | b'w' | b'A' | b'e' | b's' | b'-' | b'='
        ) {
            continue;
        }
        let rest = word.get(at..)?;
        match byte {
            b'-' if rest.starts_with(b"-----BEGIN") => return Some(pem(bytes, from + at)),
            b'-' => {}
            b'=' => {
                let name = word.get(..at)?;
                if let Some(value_end) = named::value_of(name, b'=', bytes, from + at + 1) {
                    return Some(Found {
                        to: value_end,
                        ..found(at + 1)
                    });
                }
            }
            // The header of a JWT is `{"...` in base64, and a dot follows it (RFC 7519, section 3).
            b'e' if rest.starts_with(b"eyJ") && last_dot.is_some_and(|dot| at < dot) => return Some(found(at)),
            _ if begins(rest) => return Some(found(at)),
            _ => {}
        }
    }
    None
}

fn begins(rest: &[u8]) -> bool {
    let capitals = |key: &[u8]| {
        key.len() >= 16
            && key
                .iter()
                .take(16)
                .all(|&byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let long = |prefix: &[u8], least| rest.strip_prefix(prefix).is_some_and(|rest| rest.len() >= least);
    PREFIXES.iter().any(|prefix| long(prefix, SHORTEST))
        || COMMON_PREFIXES.iter().any(|&(prefix, least)| long(prefix, least))
        || ACCESS_KEYS
            .iter()
            .any(|prefix| rest.strip_prefix(*prefix).is_some_and(capitals))
}

/// From `-----BEGIN` to the end of the block, or of the text.
fn pem(bytes: &[u8], from: usize) -> Found {
    let after = |mark: &[u8], at: usize| {
        let rest = bytes.get(at..)?;
        rest.windows(mark.len())
            .position(|part| part == mark)
            .map(|found| at + found + mark.len())
    };
    let end = after(b"-----END", from).and_then(|end| after(b"-----", end));
    let name = "[pem]";
    Found {
        from,
        to: end.unwrap_or(bytes.len()),
        name,
    }
}
