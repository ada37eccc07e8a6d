//! The parameters of `make deploy`: those entered at first, later those of the stack, wherever it is deployed from.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Change, Description};
use crate::template::document;

pub(super) fn the_first_deployment_is_answered_with_enter_and_sends_nothing(description: &Description) {
    let template = document::template();
    let declared = template["Parameters"].as_object().unwrap();
    let written = &description.first_answers;
    let (asked, known): (BTreeSet<_>, BTreeSet<_>) = (declared.keys().collect(), written.keys().collect());
    assert_eq!(asked, known, "each parameter is asked for and written down");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let changed = written
        .iter()
        .filter(|(name, value)| text(&declared[*name]["Default"]) != **value);
    let changed: BTreeSet<_> = changed.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // The last five exclude what the emulator lacks.
    let expected = [
        ("DatabaseDeletionProtection", "false"),
        ("DryRun", "true"),
        ("DatabaseRotationDays", "0"),
        ("MetricMath", "false"),
        ("NatGateway", "false"),
        ("Rollout", "off"),
        ("SavedQueries", "false"),
    ];
    assert_eq!(changed, expected.into());
    let again = &description.first_again;
    assert!(
        again.iter().any(|option| option == "--guided") && again.iter().any(|option| option == "DryRun=true"),
        "a change set that was not executed is not a deployment: {again:?}"
    );
}

pub(super) fn a_deployment_from_elsewhere_takes_over_what_the_stack_was_given(description: &Description) {
    let adopted = &description.adopted;
    for (name, value) in &adopted.given {
        assert_eq!(adopted.parameters.get(name), Some(value), "{name}");
    }
    assert_eq!(
        adopted.parameters.len(),
        document::template()["Parameters"].as_object().unwrap().len()
    );
    assert_eq!(adopted.changes, Vec::<Change>::new(), "nothing is to change");
}
