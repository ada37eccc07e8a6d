//! Queries on a template: resources, their properties, consumers, permissions.

use serde_json::{Map, Value, json};

/// The resources of a type, by name, with their properties.
pub(super) fn of_type<'a>(template: &'a Value, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    resources(template)
        .iter()
        .filter(move |(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.as_str(), &resource["Properties"]))
}

pub(super) fn resources(template: &Value) -> &Map<String, Value> {
    template["Resources"].as_object().unwrap()
}

pub(super) fn property<'a>(template: &'a Value, resource: &str, property: &str) -> &'a Value {
    let found = &template["Resources"][resource]["Properties"][property];
    assert!(!found.is_null(), "{resource} has no {property}");
    found
}

/// Every queue that a function consumes: the function and its event.
pub(super) fn consumers(template: &Value) -> Vec<(&str, &Value)> {
    of_type(template, "AWS::Serverless::Function")
        .flat_map(|(name, function)| function_events(function).into_iter().map(move |event| (name, event)))
        .filter(|(_, event)| event["Type"] == "SQS")
        .map(|(name, event)| (name, &event["Properties"]))
        .collect()
}

fn function_events(function: &Value) -> Vec<&Value> {
    function["Events"]
        .as_object()
        .map(|events| events.values().collect())
        .unwrap_or_default()
}

/// The value if its condition holds.
fn unconditional(value: &Value) -> &Value {
    value.get("Fn::If").map_or(value, |branches| &branches[1])
}

/// Every statement of every role and policy, including conditional ones.
pub(super) fn statements<'a>(template: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let mut found = Vec::new();
    let mut add = |role, policy: &'a Value| {
        let policy = unconditional(policy);
        let list = policy["PolicyDocument"]["Statement"].as_array().unwrap();
        found.extend(list.iter().map(|statement| (role, unconditional(statement))));
    };
    for (role, properties) in of_type(template, "AWS::IAM::Role") {
        // A managed policy allows more than necessary, but RDS itself requires this one.
        let managed = properties["ManagedPolicyArns"].to_string();
        assert!(
            managed == "null" || managed.contains("service-role/AmazonRDSEnhancedMonitoringRole\"}]"),
            "{role}: {managed}"
        );
        let policies = properties["Policies"].as_array();
        policies.into_iter().flatten().for_each(|policy| add(role, policy));
    }
    for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"] {
        of_type(template, kind).for_each(|(name, policy)| add(name, policy));
    }
    found
}

/// One or several values, as a list.
pub(super) fn many(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |values| values.iter().collect())
}

/// Whether a statement applies to every resource; none may allow every action.
pub(super) fn is_for_every_resource(role: &str, statement: &Value) -> bool {
    for action in many(&statement["Action"]) {
        assert!(!action.as_str().unwrap().contains('*'), "{role}: {action}");
    }
    many(&statement["Resource"]).contains(&&json!("*"))
}
