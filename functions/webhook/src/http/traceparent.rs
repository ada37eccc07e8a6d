//! The trace of a request: the sender's, or else Lambda's.

use trace::Traceparent;

/// The `traceparent` to continue: the sender's if it is well formed, else Lambda's own trace.
#[must_use]
pub fn continued_trace(header: Option<&str>, xray: Option<&str>) -> Option<String> {
    let known = sender_trace(header).or_else(|| xray.and_then(Traceparent::from_xray));
    known.map(|known| known.to_string())
}

/// The sender's, if well formed. Only its sampling flag decides about spans: Lambda's flag is for X-Ray only.
#[must_use]
pub fn sender_trace(header: Option<&str>) -> Option<Traceparent> {
    header.and_then(Traceparent::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn continues_lambdas_trace_without_the_senders() {
        let xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a:0";
        let expected = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
        assert_eq!(continued_trace(None, Some(xray)).as_deref(), Some(expected));
        assert_eq!(continued_trace(Some("broken"), Some(xray)).as_deref(), Some(expected));
        assert_eq!(continued_trace(Some(GOOD), Some(xray)).as_deref(), Some(GOOD));
        assert_eq!(continued_trace(Some("broken"), Some("Root=broken")), None);
        assert_eq!(sender_trace(Some("broken")), None);
    }
}
