//! Invariants of the nested stacks in `infra/`, and between them and the template that nests them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::document::{STACKS, file, stack, template};
use super::read::{is_for_every_resource, many, of_type, resources, statements};

/// The resource that nests a stack.
fn nested<'a>(template: &'a Value, name: &str) -> &'a Value {
    let url = format!("infra/{name}.yaml");
    let mut stacks = of_type(template, "AWS::CloudFormation::Stack");
    let found = stacks.find(|(_, properties)| properties["TemplateURL"] == url.as_str());
    found.unwrap_or_else(|| panic!("{url} is not nested")).1
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect()
}

#[test]
fn nested_stacks_get_exactly_their_parameters() {
    let template = template();
    for name in STACKS {
        let stack = stack(name);
        let given = keys(&nested(&template, name)["Parameters"]);
        let known = keys(&stack["Parameters"]);
        assert_eq!(
            given.difference(&known).collect::<Vec<_>>(),
            [] as [&&str; 0],
            "{name} has no parameter"
        );
        for (parameter, declared) in stack["Parameters"].as_object().unwrap() {
            assert!(
                given.contains(parameter.as_str()) || !declared["Default"].is_null(),
                "{name} needs a value of {parameter}"
            );
        }
    }
}

#[test]
fn every_output_read_exists_in_its_stack() {
    let template = template();
    let text = template.to_string();
    let mut read = 0;
    for name in STACKS {
        let outputs = stack(name)["Outputs"].clone();
        let logical = of_type(&template, "AWS::CloudFormation::Stack")
            .find(|(_, properties)| properties["TemplateURL"] == format!("infra/{name}.yaml").as_str())
            .unwrap()
            .0;
        for part in text.split(&format!("[\"{logical}\",\"Outputs\",\"")).skip(1) {
            let output = part.split('"').next().unwrap();
            assert!(!outputs[output].is_null(), "{name} has no output {output}");
            read += 1;
        }
    }
    assert!(read >= 8, "only {read} found");
}

#[test]
fn nested_stack_parameters_are_explained_and_used() {
    for name in STACKS {
        let stack = stack(name);
        let text = ["Resources", "Conditions", "Outputs", "Rules"]
            .map(|part| stack[part].to_string())
            .concat();
        for (parameter, declared) in stack["Parameters"].as_object().unwrap() {
            assert!(
                declared["Description"].is_string(),
                "{name}: {parameter} has no description"
            );
            assert!(
                text.contains(&format!("{{\"Ref\":\"{parameter}\"}}")) || text.contains(&format!("${{{parameter}}}")),
                "{name}: {parameter} is unused"
            );
        }
    }
}

/// Resources with data, which must survive a mistake.
const KEEPERS: [&str; 5] = [
    "AWS::S3::Bucket",
    "AWS::RDS::DBInstance",
    "AWS::Logs::LogGroup",
    "AWS::SecretsManager::Secret",
    "AWS::KMS::Key",
];

#[test]
fn what_keeps_data_outlives_the_stack() {
    let mut seen = 0;
    let documents = STACKS.map(stack);
    for document in documents.iter().chain([&template()]) {
        for (name, resource) in resources(document) {
            // Firehose's own log contains only failed deliveries, which are stored themselves.
            if !KEEPERS.contains(&resource["Type"].as_str().unwrap()) || name == "FirehoseLogs" {
                continue;
            }
            seen += 1;
            for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
                let kept = ["Retain", "RetainExceptOnCreate", "Snapshot"].map(Value::from);
                assert!(
                    kept.contains(&resource[policy]),
                    "{name}: {policy} is {}",
                    resource[policy]
                );
            }
        }
    }
    assert!(seen >= 12, "only {seen}");
}

#[test]
fn every_bucket_is_private_encrypted_and_requires_tls() {
    let search = stack("search");
    let buckets: Vec<_> = of_type(&search, "AWS::S3::Bucket").collect();
    assert!(!buckets.is_empty());
    for (name, bucket) in buckets {
        let blocked = &bucket["PublicAccessBlockConfiguration"];
        assert_eq!(blocked.as_object().unwrap().len(), 4, "{name}");
        assert!(
            blocked.as_object().unwrap().values().all(|value| value == true),
            "{name}"
        );
        assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled", "{name}");
        assert!(!bucket["BucketEncryption"].is_null(), "{name}");
        let of_bucket = |policy: &Value| policy["Bucket"] == json!({"Ref": name});
        let policy = of_type(&search, "AWS::S3::BucketPolicy").find(|(_, policy)| of_bucket(policy));
        let statements = &policy.unwrap_or_else(|| panic!("{name} has no policy")).1["PolicyDocument"]["Statement"];
        let over_tls_only = |statement: &&Value| {
            let without_tls = &statement["Condition"]["Bool"]["aws:SecureTransport"];
            statement["Effect"] == "Deny" && [json!(false), json!("false")].contains(without_tls)
        };
        assert!(many(statements).iter().any(over_tls_only), "{name}");
    }
}

#[test]
fn nested_stack_roles_have_no_unlimited_permissions() {
    let mut seen = 0;
    for name in STACKS {
        let stack = stack(name);
        for (role, statement) in statements(&stack) {
            seen += 1;
            let everywhere = is_for_every_resource(role, statement);
            // Listing and reading cannot be restricted to a resource.
            let only_shows = many(&statement["Action"]).iter().all(|action| {
                let (_, verb) = action.as_str().unwrap().split_once(':').unwrap();
                ["List", "Describe", "Get", "Stop"]
                    .iter()
                    .any(|kind| verb.starts_with(kind))
            });
            assert!(!everywhere || only_shows, "{name}: {role}: {statement}");
        }
    }
    assert!(seen >= 4, "only {seen}");
}

#[test]
fn saved_queries_match_the_files() {
    let search = stack("search");
    let mut saved = BTreeSet::new();
    let kinds = [
        ("AWS::Athena::NamedQuery", "sql"),
        ("AWS::Logs::QueryDefinition", "logs"),
    ];
    for (kind, extension) in kinds {
        for (name, query) in of_type(&search, kind) {
            let text = query["QueryString"]
                .as_str()
                .unwrap_or_else(|| panic!("{name} is not a string"));
            let title = query["Name"]["Fn::Sub"].as_str().or(query["Name"].as_str()).unwrap();
            let title = title.rsplit(['/', ' ']).next().unwrap().trim_start_matches("${Name}-");
            let path = format!("infra/queries/{title}.{extension}");
            assert_eq!(text.trim_end(), file(&path).trim_end(), "{name} differs from {path}");
            saved.insert(format!("{title}.{extension}"));
        }
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/queries");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let files: BTreeSet<String> = files.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(saved, files);
    for wanted in [
        "gitlab_calls_24h",
        "authentication_failures_by_source",
        "one_correlation_id",
        "command_to_push",
        "exceptions_by_merger",
    ] {
        assert!(
            saved.contains(&format!("{wanted}.sql")) && saved.contains(&format!("{wanted}.logs")),
            "{wanted}"
        );
    }
}

#[test]
fn every_alarm_has_an_action_and_runbook_line() {
    let observability = stack("observability");
    let runbook = file("docs/operate/alarms.md");
    let root = template();
    let mut seen = 0;
    for document in [&observability, &root] {
        for (name, alarm) in of_type(document, "AWS::CloudWatch::Alarm") {
            seen += 1;
            assert!(
                alarm["AlarmDescription"]
                    .as_str()
                    .or(alarm["AlarmDescription"]["Fn::Sub"].as_str())
                    .is_some(),
                "{name}"
            );
            assert!(!alarm["AlarmActions"].is_null(), "{name}");
            let missing = alarm["TreatMissingData"].as_str().unwrap();
            assert_eq!(missing == "breaching", name.ends_with("SilentAlarm"), "{name}");
            let lines = runbook
                .lines()
                .filter(|line| line.starts_with(&format!("| `{name}`")))
                .count();
            assert_eq!(lines, 1, "{name} in docs/operate/alarms.md");
        }
    }
    assert!(seen > 30, "only {seen}");
}
