//! The published documentation page, the schema and the code agree.

use serde_json::Value;

use crate::line_schema::{ParsedLine, parse_line};
use crate::{Action, FailureClass, SCHEMA};

const PAGE: &str = include_str!("../../../docs/reference/audit-schema.md");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// Example lines on the page.
fn examples() -> Vec<&'static str> {
    let blocks = PAGE.split("```json\n").skip(1);
    blocks
        .flat_map(|block| block.split("```").next().unwrap().lines())
        .collect()
}

#[test]
fn page_lists_exactly_the_known_actions() {
    let rows = PAGE
        .split("## Actions")
        .nth(1)
        .unwrap()
        .split("\n\nParticulars")
        .next()
        .unwrap();
    let listed: Vec<_> = rows
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let listed = &listed[1..]; // without the header of the table
    for action in Action::ALL {
        assert!(listed.contains(&action.as_str()), "{action} is not on the page");
    }
    assert_eq!(
        listed.len(),
        Action::ALL.len(),
        "the page has an unknown action: {listed:?}"
    );
}

#[test]
fn page_and_schema_list_every_failure_class() {
    let classes = &schema()["$defs"]["failure_class"]["enum"];
    assert_eq!(*classes, serde_json::to_value(FailureClass::ALL).unwrap());
    for class in FailureClass::ALL {
        assert!(PAGE.contains(&format!("| `{class}` |")), "{class} is not on the page");
        assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
    }
}

#[test]
fn the_page_shows_the_schema_as_it_is() {
    let shown = PAGE
        .split("```json schema\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    assert_eq!(shown, SCHEMA);
}

#[test]
fn page_describes_every_schema_field() {
    for kind in ["entry", "announcement"] {
        for field in schema()["$defs"][kind]["properties"].as_object().unwrap().keys() {
            assert!(
                PAGE.contains(&format!("`{field}")),
                "{field} of {kind} is not on the page"
            );
        }
    }
}

#[test]
fn page_examples_are_valid_audit_lines() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let examples = examples();
    assert!(examples.len() >= 3, "{examples:?}");
    for example in examples {
        let line = parse_line(example).unwrap_or_else(|error| panic!("{error}: {example}"));
        assert!(
            matches!(line, ParsedLine::Entry(_) | ParsedLine::Intent(_)),
            "{example}"
        );
        let line = serde_json::from_str(example).unwrap();
        validator
            .validate(&line)
            .unwrap_or_else(|error| panic!("{error}: {example}"));
    }
}

#[test]
fn action_names_are_unique_and_well_formed() {
    let mut names: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Action::ALL.len());
    for name in names {
        let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(name.split('.').count() >= 2 && name.split('.').all(word), "{name}");
    }
}
