//! The trace that a request belongs to: the sender's, or Lambda's own.

use audit::traceparent::{compose, read};

/// The `traceparent` to go on with: the sender's if it is well formed, else Lambda's own trace.
#[must_use]
pub fn of(header: Option<&str>, xray: Option<&str>) -> Option<String> {
    header.and_then(read).or_else(|| xray.and_then(from_xray))
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
    compose(&trace, field("Parent")?, flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

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
