//! Reads a CloudFormation template: YAML with its short forms (`!Ref`, `!Sub` ...) expanded as in JSON.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};
use serde_saphyr::Tagged;

/// The nested stacks.
pub(crate) const STACKS: [&str; 4] = ["network", "database", "search", "observability"];

/// The template at the project's root.
pub(crate) fn template() -> Value {
    parse_template(&file("template.yaml"))
}

/// A nested stack's template.
pub(crate) fn stack(name: &str) -> Value {
    parse_template(&file(&format!("infra/{name}.yaml")))
}

/// The text of a file of the project.
pub(crate) fn file(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Reads one document.
pub(crate) fn parse_template(text: &str) -> Value {
    serde_saphyr::from_str::<Node>(text)
        .unwrap_or_else(|error| panic!("not YAML: {error}"))
        .0
}

/// A value with its short forms expanded at all levels.
struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(value, tag) = Tagged::<Untagged>::deserialize(deserializer)?;
        Ok(Self(written_out(tag.as_deref(), value.0)))
    }
}

/// A node's content, ignoring its own tag.
struct Untagged(Value);

impl<'de> Deserialize<'de> for Untagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Content).map(Self)
    }
}

struct Content;

impl<'de> Visitor<'de> for Content {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        while let Some(Node(item)) = items.next_element()? {
            read.push(item);
        }
        Ok(read.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some((key, Node(value))) = entries.next_entry::<String, _>()? {
            read.insert(key, value);
        }
        Ok(read.into())
    }
}

/// The long form: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.
fn written_out(tag: Option<&str>, value: Value) -> Value {
    let Some(name) = tag.and_then(|tag| tag.strip_prefix('!')) else {
        return value;
    };
    match (name, &value) {
        ("Ref" | "Condition", _) => json!({ name: value }),
        ("GetAtt", Value::String(path)) => json!({ "Fn::GetAtt": path.split('.').collect::<Vec<_>>() }),
        _ => json!({ format!("Fn::{name}"): value }),
    }
}

#[test]
fn short_forms_are_read_as_their_long_forms() {
    let cases = [
        ("!Ref Queue", json!({"Ref": "Queue"})),
        ("!GetAtt Queue.Arn", json!({"Fn::GetAtt": ["Queue", "Arn"]})),
        (
            "!If [InVpc, !Ref Subnets, 5]",
            json!({"Fn::If": ["InVpc", {"Ref": "Subnets"}, 5]}),
        ),
        (
            "{a: [{b: !Sub \"x-${Y}\"}], c: true}",
            json!({"a": [{"b": {"Fn::Sub": "x-${Y}"}}], "c": true}),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_template(text), expected, "{text}");
    }
}
