//! The position of a piece of work in a trace, in the W3C's format.
//!
//! <https://www.w3.org/TR/trace-context/#traceparent-header>

use std::fmt;

use audit::traceparent::{compose, parse_header};

/// The only flag used here: the caller keeps its spans.
const SAMPLED: u8 = 1;

/// A trace, and one span in it. Neither id is ever zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Traceparent {
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    pub(crate) flags: u8,
}

impl Traceparent {
    /// Reads the header (see [`audit::traceparent::parse_header`]). `None`: there is no usable trace, and a receiver begins a new one.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        Self::of(&parse_header(header)?)
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
        let flags = if field("Sampled") == Some("1") { "01" } else { "00" };
        Self::of(&compose(&trace, field("Parent")?, flags)?)
    }

    /// A span created here.
    pub(crate) fn new(trace_id: u128, span_id: u64, sampled: bool) -> Self {
        Self {
            trace_id,
            span_id,
            flags: if sampled { SAMPLED } else { 0 },
        }
    }

    /// Splits a well-formed one.
    fn of(known: &str) -> Option<Self> {
        let mut parts = known.split('-').skip(1);
        Some(Self {
            trace_id: u128::from_str_radix(parts.next()?, 16).ok()?,
            span_id: u64::from_str_radix(parts.next()?, 16).ok()?,
            flags: u8::from_str_radix(parts.next()?, 16).ok()?,
        })
    }

    /// Whether the sender keeps the spans of this trace.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        fn written_traceparent_is_read_back_without_panic(trace in 1_u128.., span in 1_u64.., flags: u8, text in ".*") {
            let known = Traceparent { trace_id: trace, span_id: span, flags };
            prop_assert_eq!(Traceparent::parse(&known.to_string()), Some(known));
            let _ = (Traceparent::parse(&text), Traceparent::from_xray(&text));
        }
    }
}
