//! The position of a piece of work in a trace, as the W3C writes it.
//!
//! <https://www.w3.org/TR/trace-context/#traceparent-header>

use std::fmt;

/// `00-` + 32 hex digits of the trace + `-` + 16 of the parent + `-` + 2 of flags.
const LENGTH: usize = 55;
/// The only flag that counts here: the caller keeps its spans.
const SAMPLED: u8 = 1;

/// A trace, and one span in it. Neither id is ever zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Traceparent {
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    pub(crate) flags: u8,
}

impl Traceparent {
    /// Reads the header. Of a later version the part known here is taken, as the specification asks. `None`: there is no usable
    /// trace, and a receiver begins a new one.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (known, rest) = header.trim().split_at_checked(LENGTH)?;
        let (version, fields) = known.split_once('-')?;
        let readable = match version {
            "00" => rest.is_empty(),
            "ff" => false,
            later => is_hex(later, 2) && (rest.is_empty() || rest.starts_with('-')),
        };
        let mut parts = fields.split('-');
        let (trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
        if readable && parts.next().is_none() && is_hex(flags, 2) {
            Self::of(trace, span, u8::from_str_radix(flags, 16).ok()?)
        } else {
            None
        }
    }

    /// Reads Lambda's `Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=<0|1>`
    /// (<https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>).
    #[must_use]
    pub fn from_xray(header: &str) -> Option<Self> {
        let field = |name: &str| {
            header
                .split(';')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let trace = field("Root")?.strip_prefix("1-")?.replacen('-', "", 1);
        Self::of(&trace, field("Parent")?, u8::from(field("Sampled") == Some("1")))
    }

    /// A span of our own.
    pub(crate) fn new(trace_id: u128, span_id: u64, sampled: bool) -> Self {
        Self {
            trace_id,
            span_id,
            flags: if sampled { SAMPLED } else { 0 },
        }
    }

    fn of(trace: &str, span: &str, flags: u8) -> Option<Self> {
        let (trace_id, span_id) = (hex(trace, 32)?, u64::try_from(hex(span, 16)?).ok()?);
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id,
            span_id,
            flags,
        })
    }

    /// Whether the one who wrote this keeps the spans of this trace.
    #[must_use]
    pub fn sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

/// Lower-case hex digits, exactly so many, as a number.
fn hex(text: &str, digits: usize) -> Option<u128> {
    is_hex(text, digits)
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn read(header: &str) -> Option<String> {
        Traceparent::parse(header).map(|known| known.to_string())
    }

    #[test]
    fn a_well_formed_header_is_taken() {
        let later = format!("cc-{}-what-comes-later", &GOOD[3..]);
        for header in [GOOD, &format!(" {GOOD} "), &later, &format!("cc-{}", &GOOD[3..])] {
            assert_eq!(read(header).as_deref(), Some(GOOD), "{header}");
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
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033-1-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
            "0-00af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ü0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ];
        for header in cases {
            assert_eq!(read(header), None, "{header}");
        }
    }

    #[test]
    fn lambdas_own_trace_is_read() {
        let xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a:0";
        let known = Traceparent::from_xray(xray).unwrap();
        assert_eq!(
            known.to_string(),
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
        );
        assert!(
            !Traceparent::from_xray(&xray.replace("Sampled=1", "Sampled=0"))
                .unwrap()
                .sampled()
        );
        for broken in [
            "",
            "Root=1-5759e988-bd862e3fe1be46a994272793",
            "Root=5759e988;Parent=53995c3f42cd8ad8",
        ] {
            assert_eq!(Traceparent::from_xray(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again_and_nothing_panics(trace in 1_u128.., span in 1_u64.., flags: u8, text in ".*") {
            let known = Traceparent { trace_id: trace, span_id: span, flags };
            prop_assert_eq!(Traceparent::parse(&known.to_string()), Some(known));
            let _ = (Traceparent::parse(&text), Traceparent::from_xray(&text));
        }
    }
}
