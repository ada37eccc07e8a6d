//! Invariants of the template's parameters.

use std::collections::BTreeSet;

use serde_json::Value;

use super::PARAMETERS;
use super::document::template;
use super::read::{many, of_type};

#[test]
fn every_parameter_is_explained_and_used() {
    let template = template();
    let text = ["Resources", "Conditions", "Globals"]
        .map(|part| template[part].to_string())
        .concat();
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        assert!(parameter["Description"].is_string(), "{name} has no description");
        assert!(
            text.contains(&format!("{{\"Ref\":\"{name}\"}}")) || text.contains(&format!("${{{name}}}")),
            "{name} is unused"
        );
    }
}

/// `sam deploy --guided` offers a parameter's default; with `NoEcho` it does not, and asks again until a value is entered.
#[test]
fn every_guided_parameter_has_a_visible_default() {
    for (name, parameter) in template()["Parameters"].as_object().unwrap() {
        let is_answered = |answer: &Value| answer.is_string() || answer.is_number();
        assert!(is_answered(&parameter["Default"]), "{name} has no default");
        assert!(
            parameter["NoEcho"].is_null(),
            "{name} would be asked for without its default"
        );
    }
}

#[test]
fn changed_parameter_makes_another_function_version() {
    let template = template();
    let declared = template["Parameters"].as_object().unwrap();
    let globals = parameters_in(&template["Globals"]["Function"], &template);
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let mut seen = function.clone();
        let variables = &mut seen["Environment"]["Variables"];
        let published = variables.as_object_mut().unwrap().remove(PARAMETERS).unwrap();
        let published: BTreeSet<_> = many(&published["Fn::ToJsonString"])
            .into_iter()
            .map(|parameter| parameter["Ref"].as_str().unwrap())
            .collect();
        // The rollout of a version is not part of it.
        seen.as_object_mut().unwrap().remove("DeploymentPreference");
        let mut needed = parameters_in(&seen, &template);
        needed.extend(globals.iter().cloned());
        let missing: Vec<_> = needed
            .iter()
            .filter(|parameter| !published.contains(parameter.as_str()))
            .collect();
        assert!(
            missing.is_empty(),
            "a change of {missing:?} would not publish a new version of {name}"
        );
        let known = published.iter().all(|parameter| declared.contains_key(*parameter));
        assert!(known, "{name}: {published:?}");
    }
}

/// The parameters that a value depends on, including those of its conditions and mappings.
fn parameters_in(value: &Value, template: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => {
            let of_condition = fields
                .get("Fn::If")
                .map(|branches| &template["Conditions"][branches[0].as_str().unwrap()]);
            let reference = fields.get("Ref").and_then(Value::as_str);
            let reference = reference
                .filter(|name| !template["Parameters"][name].is_null())
                .map(str::to_owned);
            let inner = fields
                .values()
                .chain(of_condition)
                .flat_map(|inner| parameters_in(inner, template));
            inner.chain(reference).collect()
        }
        Value::Array(items) => items.iter().flat_map(|inner| parameters_in(inner, template)).collect(),
        _ => BTreeSet::new(),
    }
}
