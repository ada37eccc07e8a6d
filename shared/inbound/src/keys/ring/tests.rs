//! Keys of several versions, and entries that disable only themselves.

use serde_json::json;

use super::*;
use crate::producer::{Producer, ProducerFields};

const KEY: &str = "a-key-of-16-signs";
const NEXT: &str = "the-next-key-of-16";

fn ring(versions: &[serde_json::Value]) -> (KeyRing<Producer>, Vec<String>) {
    let versions: Vec<Vec<ListEntry<ProducerFields>>> = versions
        .iter()
        .map(|list| serde_json::from_str(&list.to_string()).unwrap())
        .collect();
    let (ring, problems) = KeyRing::merge(versions.iter().map(Vec::as_slice));
    (ring, problems.iter().map(ToString::to_string).collect())
}

fn holder<'r>(ring: &'r KeyRing<Producer>, key: &str) -> Option<&'r str> {
    ring.holder_of(key).map(|producer| producer.name.as_str())
}

#[test]
fn keys_of_every_version_count() {
    let current = json!([{"name": "agent", "key": NEXT, "services": ["copilot-agent"]}]);
    let previous =
        json!([{"name": "agent", "key": KEY, "registers": true}, {"name": "old", "key": "a-third-key-of-16"}]);
    let (ring, problems) = ring(&[current, previous]);
    assert_eq!(problems, [] as [&str; 0]);
    assert_eq!(
        (holder(&ring, KEY), holder(&ring, NEXT)),
        (Some("agent"), Some("agent"))
    );
    assert_eq!(holder(&ring, "a-third-key-of-16"), Some("old"));
    assert_eq!((holder(&ring, ""), holder(&ring, "other")), (None, None));
    let agent = ring.holder_of(KEY).unwrap();
    assert!(
        !agent.registers && agent.services.contains("copilot-agent"),
        "the newest version decides"
    );
}

#[test]
fn an_invalid_entry_disables_only_itself() {
    let good = json!({"name": "good", "key": KEY});
    let cases = [
        (json!({"name": "a", "key": NEXT, "service": "b"}), "a field is unknown"),
        (json!({"name": "a", "key": 5}), "a field is unknown"),
        (json!({"name": "a"}), "a field is unknown"),
        (
            json!({"name": "a", "key": NEXT, "services": ["processor"]}),
            "belongs to Countersign",
        ),
        (
            json!({"name": "a", "key": NEXT, "services": []}),
            "at least one service",
        ),
        (json!({"name": "a/b", "key": NEXT}), "`name` must have"),
        (json!({"name": "a", "key": "short"}), "fewer than 16"),
        (json!({"name": "a", "key": KEY}), "entry `good` has the same key"),
    ];
    for (entry, expected) in cases {
        let (ring, problems) = ring(&[json!([good, entry])]);
        assert!(problems[0].contains(expected), "{problems:?}");
        assert!(!problems[0].contains(NEXT), "{problems:?}");
        assert_eq!(holder(&ring, NEXT), None, "{entry}");
        let shared = expected.contains("same key");
        assert_eq!(holder(&ring, KEY).is_none(), shared, "{entry}");
    }
}

#[test]
fn an_older_version_does_not_revive_an_invalid_entry() {
    let (ring, problems) = ring(&[
        json!([{"name": "a", "key": NEXT, "x": 1}]),
        json!([{"name": "a", "key": KEY}]),
    ]);
    assert_eq!((problems.len(), ring.is_empty()), (1, true));
}
