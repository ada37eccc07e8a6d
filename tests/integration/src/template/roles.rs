//! Invariants of the roles: each function may only do its own work.

use std::collections::BTreeSet;

use serde_json::json;

use super::USE_KEY;
use super::document::template;
use super::read::{is_for_every_resource, many, of_type, property, statements};

#[test]
fn wildcards_are_for_network_interface_resources_only() {
    let template = template();
    let mut seen = 0;
    for (role, statement) in statements(&template) {
        seen += 1;
        let everywhere = is_for_every_resource(role, statement);
        let network = many(&statement["Action"])
            .iter()
            .all(|action| action.as_str().unwrap().starts_with("ec2:"));
        assert!(!everywhere || network, "{role}: {statement}");
    }
    assert!(seen > 10, "only {seen} statements found");
}

#[test]
fn webhook_role_has_secret_two_queues_and_log() {
    let template = template();
    let allowed: Vec<_> = statements(&template)
        .into_iter()
        .filter(|(role, statement)| *role == "WebhookRole" && statement["Sid"] != USE_KEY)
        .collect();
    let what: Vec<_> = allowed
        .iter()
        .map(|(_, statement)| (&statement["Action"], &statement["Resource"]))
        .collect();
    let expected = [
        (
            json!(["logs:CreateLogStream", "logs:PutLogEvents"]),
            json!({"Fn::GetAtt": ["WebhookLogs", "Arn"]}),
        ),
        (json!("secretsmanager:GetSecretValue"), json!({"Ref": "WebhookSecret"})),
        (
            json!("sqs:SendMessage"),
            json!([{"Fn::GetAtt": ["DeliveriesQueue", "Arn"]}, {"Fn::GetAtt": ["AuditInletQueue", "Arn"]}]),
        ),
    ];
    assert_eq!(
        what,
        expected
            .iter()
            .map(|(action, resource)| (action, resource))
            .collect::<Vec<_>>()
    );
}

#[test]
fn owner_and_webhook_secrets_have_one_reader_each() {
    let template = template();
    let owner =
        property(&template, "MaintenanceFunction", "Environment")["Variables"]["DATABASE_OWNER_SECRET_ID"].clone();
    for (secret, reader) in [
        (owner, "MaintenanceRole"),
        (json!({"Ref": "WebhookSecret"}), "WebhookRole"),
    ] {
        let readers: BTreeSet<_> = statements(&template)
            .into_iter()
            .filter(|(_, statement)| many(&statement["Resource"]).contains(&&secret))
            .map(|(role, _)| role)
            .collect();
        assert_eq!(readers, BTreeSet::from([reader]), "{secret}");
    }
}

#[test]
fn key_is_used_only_through_queues_and_secrets() {
    let template = template();
    let mut roles = BTreeSet::new();
    for (role, statement) in statements(&template) {
        if many(&statement["Action"])
            .iter()
            .any(|action| action.as_str().unwrap().starts_with("kms:"))
        {
            assert_eq!(statement["Resource"], json!({"Ref": "KmsKeyArn"}), "{role}");
            let through = &statement["Condition"]["StringEquals"]["kms:ViaService"];
            assert!(!many(through).is_empty() && !through.is_null(), "{role}");
            roles.insert(role);
        }
    }
    let all: BTreeSet<_> = of_type(&template, "AWS::IAM::Role").map(|(role, _)| role).collect();
    assert_eq!(roles, all);
}

#[test]
fn every_function_has_a_dedicated_role() {
    let template = template();
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let role = name.replace("Function", "Role");
        assert_eq!(function["Role"], json!({"Fn::GetAtt": [role, "Arn"]}), "{name}");
    }
}
