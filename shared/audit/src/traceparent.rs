//! The trace of an action in the W3C format (<https://www.w3.org/TR/trace-context/#traceparent-header>).

/// `00-` + 32 hex digits of the trace + `-` + 16 of the parent + `-` + 2 of flags.
const LENGTH: usize = 55;

/// Parses a header, or the variable `TRACEPARENT`: the trace to continue, if well formed. In a later version only the known part is
/// used, as the specification requires.
#[must_use]
pub fn parse_header(header: &str) -> Option<String> {
    let (known, rest) = header.trim().split_at_checked(LENGTH)?;
    let (version, fields) = known.split_once('-')?;
    let readable = match version {
        "00" => rest.is_empty(),
        "ff" => false,
        later => is_hex(later, 2) && (rest.is_empty() || rest.starts_with('-')),
    };
    if !readable {
        return None;
    }
    let mut parts = fields.split('-');
    let (trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?);
    compose(trace, parent, flags)
}

/// The header from these parts, all in hex, if they are well formed.
#[must_use]
pub fn compose(trace: &str, parent: &str, flags: &str) -> Option<String> {
    let good = is_trace_id(trace) && is_hex(parent, 16) && !is_zero(parent) && is_hex(flags, 2);
    good.then(|| format!("00-{trace}-{parent}-{flags}"))
}

/// A trace id: 32 hex digits in lower case, not all zero.
#[must_use]
pub fn is_trace_id(text: &str) -> bool {
    is_hex(text, 32) && !is_zero(text)
}

fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|byte| byte == b'0')
}

/// Exactly this many lower-case hex digits.
fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_well_formed_header_is_accepted() {
        let later = format!("cc-{}-what-comes-later", &GOOD[3..]);
        for header in [GOOD, &format!(" {GOOD} "), &later, &format!("cc-{}", &GOOD[3..])] {
            assert_eq!(parse_header(header).as_deref(), Some(GOOD), "{header}");
        }
    }

    #[test]
    fn any_other_header_is_rejected() {
        let cases = [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
            "0-00af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ü0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ];
        for header in cases {
            assert_eq!(parse_header(header), None, "{header}");
        }
    }
}
