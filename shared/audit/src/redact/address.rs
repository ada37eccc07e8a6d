//! E-mail addresses, and the parts of other addresses that carry secrets: user information, query, fragment (RFC 3986, section 3).

use super::{Found, end_of};

/// How far to search for the `@` after a password that contains a slash, in bytes.
const LONGEST_PASSWORD: usize = 1024;

/// Characters of an address. More than RFC 3986 allows: people paste addresses as they are.
pub(super) fn is_part(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'"' | b'<' | b'>' | b'`' | 0x7f)
}

/// The e-mail address around the sign at `sign`, which is `width` bytes wide (`@`, or `%40`); it does not begin before `earliest`.
pub(super) fn mail(bytes: &[u8], earliest: usize, sign: usize, width: usize) -> Option<Found> {
    let before = bytes.get(earliest..sign)?;
    let local = match before.last()? {
        // "john doe"@example.com (RFC 5322, section 3.4.1)
        b'"' => before.iter().rev().skip(1).position(|&byte| byte == b'"')? + 2,
        _ => before.iter().rev().take_while(|&&byte| is_local(byte)).count(),
    };
    let domain = sign + width;
    let first = *bytes.get(domain)?;
    let to = match first {
        b'[' => end_of(bytes, domain, |byte| {
            is_domain(byte) || matches!(byte, b'[' | b':' | b']')
        }),
        _ if is_domain(first) && first != b'.' => end_of(bytes, domain, is_domain),
        _ => return None,
    };
    let name = "[e-mail]";
    (local > 0).then_some(Found {
        from: sign - local,
        to,
        name,
    })
}

/// RFC 5322's atoms without the separators of other addresses, plus everything beyond ASCII (RFC 6531).
fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"!$&'*+-.=^_{|}~".contains(&byte)
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'-' | b'.')
}

/// `user:password` of the address whose authority begins at `from` and that ends at `end` at the latest.
pub(super) fn credentials(bytes: &[u8], from: usize, end: usize) -> Option<Found> {
    let rest = bytes.get(from..end)?;
    let slash = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let authority = rest.get(..slash.unwrap_or(rest.len()))?;
    // A colon precedes a port or a password; one with a slash ends later than the authority should.
    let port = authority.iter().rposition(|&byte| byte == b':').map(|colon| colon + 1);
    let numeric = |port| {
        authority
            .get(port..)
            .is_some_and(|port| port.iter().all(u8::is_ascii_digit))
    };
    let searched = if port.is_none_or(numeric) || authority.ends_with(b"]") {
        authority
    } else {
        rest.get(..LONGEST_PASSWORD).unwrap_or(rest)
    };
    let at = searched.iter().rposition(|&byte| byte == b'@').filter(|&at| at > 0)?;
    let name = "[credentials]";
    Some(Found {
        from,
        to: from + at,
        name,
    })
}

/// The query or fragment that begins at `from`: any within an address, elsewhere only `name=value`. Otherwise the end of the run
/// without one.
pub(super) fn query(bytes: &[u8], from: usize, in_address: bool) -> Result<Found, usize> {
    let to = end_of(bytes, from, is_part);
    let text = bytes.get(from..to).unwrap_or_default();
    let name = "[query]";
    if !text.is_empty() && (in_address || text.contains(&b'=')) {
        Ok(Found { from, to, name })
    } else {
        Err(to)
    }
}
