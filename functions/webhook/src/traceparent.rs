//! The trace that a request belongs to, in the W3C's form.
//!
//! <https://www.w3.org/TR/trace-context/#traceparent-header>

/// `00-` + 32 hex digits of the trace + `-` + 16 of the parent + `-` + 2 of flags.
const LENGTH: usize = 55;

/// The `traceparent` to go on with: the sender's if it is well formed, else Lambda's own trace.
#[must_use]
pub fn of(header: Option<&str>, xray: Option<&str>) -> Option<String> {
    header.and_then(from_header).or_else(|| xray.and_then(from_xray))
}

/// Reads the header. Of a later version the part known here is taken, as the specification asks.
fn from_header(header: &str) -> Option<String> {
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
    well_formed(trace, parent, flags)
}

/// Reads Lambda's `Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=<0|1>`
/// (<https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>).
fn from_xray(header: &str) -> Option<String> {
    let field = |name: &str| {
        header
            .split(';')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let trace = field("Root")?.strip_prefix("1-")?.replacen('-', "", 1);
    let flags = if field("Sampled") == Some("1") { "01" } else { "00" };
    well_formed(&trace, field("Parent")?, flags)
}

fn well_formed(trace: &str, parent: &str, flags: &str) -> Option<String> {
    let named = |text: &str, digits| is_hex(text, digits) && text.bytes().any(|byte| byte != b'0');
    let good = named(trace, 32) && named(parent, 16) && is_hex(flags, 2);
    good.then(|| format!("00-{trace}-{parent}-{flags}"))
}

/// Lower-case hex digits, exactly so many.
fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_well_formed_header_is_taken() {
        let later = format!("cc-{}-what-comes-later", &GOOD[3..]);
        for header in [GOOD, &format!(" {GOOD} "), &later, &format!("cc-{}", &GOOD[3..])] {
            assert_eq!(of(Some(header), None).as_deref(), Some(GOOD), "{header}");
        }
    }

    #[test]
    fn any_other_header_is_none() {
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
            assert_eq!(of(Some(header), None), None, "{header}");
        }
    }

    #[test]
    fn without_a_senders_trace_lambdas_own_goes_on() {
        let xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a:0";
        let expected = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
        assert_eq!(of(None, Some(xray)).as_deref(), Some(expected));
        assert_eq!(of(Some("broken"), Some(xray)).as_deref(), Some(expected));
        assert_eq!(of(Some(GOOD), Some(xray)).as_deref(), Some(GOOD));
        for broken in [
            "",
            "Root=1-5759e988-bd862e3fe1be46a994272793",
            "Root=5759e988;Parent=53995c3f42cd8ad8",
        ] {
            assert_eq!(of(None, Some(broken)), None, "{broken}");
        }
    }
}
