//! What a process inherits from its parent.

use super::*;

const ID: &str = "018f0000-0000-7000-8000-000000000001";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn inherited(correlation_id: Option<&str>, traceparent: Option<&str>) -> Context {
    Context::inherited(|name| {
        let value = match name {
            "CORRELATION_ID" => correlation_id,
            "TRACEPARENT" => traceparent,
            other => panic!("{other} is not inherited"),
        };
        value.map(str::to_owned)
    })
}

#[test]
fn process_inherits_given_id_and_trace() {
    let expected = Context::new(ActorType::WebhookEvent, ID.parse().unwrap()).with_traceparent(Some(TRACE.to_owned()));
    assert_eq!(inherited(Some(ID), Some(TRACE)), expected);
    assert_eq!(
        inherited(Some(&format!(" {ID}\n")), Some(TRACE)),
        expected,
        "as a shell passes it"
    );
    assert_eq!(expected.trace_id(), Some("0af7651916cd43dd8448eb211c80319c"));
}

#[test]
fn malformed_or_missing_id_is_replaced_each_time() {
    for bad in [
        None,
        Some(""),
        Some("811"),
        Some("not-a-uuid"),
        Some("00000000-0000-0000-0000-000000000000"),
    ] {
        let (one, other) = (inherited(bad, Some(TRACE)), inherited(bad, Some(TRACE)));
        assert_eq!(one.actor, ActorType::AdminAction, "{bad:?}");
        assert_eq!(one.correlation_id.get_version_num(), 7, "{bad:?}");
        assert_ne!(one.correlation_id, other.correlation_id, "{bad:?}");
        assert_eq!(
            one.traceparent.as_deref(),
            Some(TRACE),
            "the trace does not depend on the id"
        );
    }
}

#[test]
fn malformed_or_missing_trace_is_not_inherited() {
    for bad in [
        None,
        Some(""),
        Some("00-xyz-1-01"),
        Some("00-00000000000000000000000000000000-b7ad6b7169203331-01"),
    ] {
        let context = inherited(Some(ID), bad);
        assert_eq!(context.traceparent, None, "{bad:?}");
        assert_eq!(context.correlation_id, ID.parse::<Uuid>().unwrap(), "{bad:?}");
    }
}

#[test]
fn a_malformed_traceparent_gives_no_trace_id() {
    for bad in [
        "",
        "00",
        "00-xyz-1-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    ] {
        assert_eq!(
            inherited(Some(ID), None)
                .with_traceparent(Some(bad.to_owned()))
                .trace_id(),
            None,
            "{bad:?}"
        );
    }
}
