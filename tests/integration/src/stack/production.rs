//! The template as a platform team deploys it, as a second stack: the nested stacks, an alias that moves with a parameter, and the
//! audit lines from the functions to Athena.

mod athena;
mod parameters;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::local_stack::{PATIENCE, Row, Stack, eventually};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::review::StackReview;
use crate::env::{AUTHOR, HIGH, OUTSIDER};
use crate::template::document::{self, STACKS};

/// What the emulator lacks. Parameters exclude it (`NatGateway`, `Database`, `SavedQueries`, `DatabaseRotationDays`, `Rollout`);
/// the linters and the template's tests still check it.
const LEFT_OUT: [&str; 16] = [
    "AWS::Athena::NamedQuery",
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::Logs::QueryDefinition",
    // RDS has no server here: the database is a real Postgres outside the emulator.
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBParameterGroup",
    "AWS::RDS::DBProxy",
    "AWS::RDS::DBProxyTargetGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::SecretsManager::RotationSchedule",
    // Resources of the template's transform, which replaces functions, events and versions by other types.
    "AWS::Serverless::Function",
];

/// Of a change set: operation, logical id and type of a resource.
type Change = (String, String, String);

/// `.local/production.json`.
#[derive(Deserialize)]
struct Description {
    outputs: BTreeMap<String, BTreeMap<String, String>>,
    resources: BTreeMap<String, BTreeMap<String, String>>,
    refusals: Vec<String>,
    first_answers: BTreeMap<String, String>,
    first_again: Vec<String>,
    adopted: Adopted,
    changes: Vec<Change>,
    aliases: Vec<BTreeMap<String, String>>,
    host_header: String,
    database_owner_url: String,
}

/// A deployment of an existing stack from a folder without answers.
#[derive(Deserialize)]
struct Adopted {
    /// The parameters it adopts.
    parameters: BTreeMap<String, String>,
    /// The non-default parameters of the stack's last deployment.
    given: BTreeMap<String, String>,
    changes: Vec<Change>,
}

/// The second stack; deleted at the end, even after a failed test.
struct Production {
    description: Description,
    stack: Stack,
}

impl Production {
    fn deployed() -> Self {
        harness(&[]);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/production.json");
        let description: Description = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut stack = Stack::running();
        stack.host_header.clone_from(&description.host_header);
        stack.database_url.clone_from(&description.database_owner_url);
        Self { description, stack }
    }

    fn output(&self, name: &str) -> &str {
        &self.description.outputs["template"][name]
    }

    /// Its audit lines since then, of every function.
    async fn lines(&self, since: Timestamp) -> Vec<Value> {
        let mut lines = Vec::new();
        for function in ["Webhook", "Processor", "Notifier", "Maintenance", "Recorder"] {
            let group = self.output(&format!("{function}LogGroup"));
            lines.extend(self.stack.log_lines(group, since, "\"event_type\":\"audit").await);
        }
        lines
    }

    /// Runs a query of `infra/queries`, with these values inserted for its parameters: the emulator does not support them.
    async fn ask(&self, query: &str, parameters: &[&str]) -> Result<Vec<Row>, String> {
        let text = document::file(&format!("infra/queries/{query}.sql"));
        let sql = parameters
            .iter()
            .fold(text, |sql, value| sql.replacen('?', &format!("'{value}'"), 1));
        let (workgroup, database) = (self.output("AuditWorkGroup"), self.output("AuditDatabase"));
        self.stack.athena(workgroup, database, &sql).await
    }
}

impl Drop for Production {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Left for debugging; the next run creates it again.
            return;
        }
        harness(&["--end"]);
    }
}

fn harness(options: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut command = Command::new("python3");
    let done = command
        .current_dir(root)
        .args(["tests/tools/stack.py", "production"])
        .args(options)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn text_at<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    path.iter()
        .fold(value, |value, name| &value[*name])
        .as_str()
        .unwrap_or_default()
}

/// A changed parameter moves exactly one alias.
#[tokio::test]
async fn whole_template_is_deployed_and_athena_answers() {
    let production = Production::deployed();
    every_nested_stack_is_there(&production.description);
    one_parameter_moves_one_alias(&production.description);
    contradictions_are_refused_before_anything_is_made(&production.description);
    parameters::the_first_deployment_is_answered_with_enter_and_sends_nothing(&production.description);
    parameters::a_deployment_from_elsewhere_takes_over_what_the_stack_was_given(&production.description);

    // Two exceptions by different users, and one rejected delivery.
    let reviews = [StackReview::new(HIGH), StackReview::new(HIGH)].map(|review| review.on(production.stack.clone()));
    let began = reviews[0].began;
    for (review, merger) in reviews.iter().zip([AUTHOR, OUTSIDER]) {
        review.shown(|shown| shown["merge_user"] = json!(merger)).await;
        production
            .stack
            .deliver(&review.mr.event("merge", merger, review.merged))
            .await;
        assert_eq!(review.kind().await, "no_approval");
    }
    let forged = production
        .stack
        .signed(&reviews[0].merge())
        .with("webhook-signature", "v1,AAAA");
    assert_eq!(production.stack.send(&forged).await.status, 401);

    // Lines that a subscription would send to Firehose, which the emulator's do not.
    let lines = eventually(
        PATIENCE,
        "the lines of both exceptions and of the rejected delivery",
        async || {
            let lines = production.lines(began).await;
            let count = |action: &str| lines.iter().filter(|line| line["action"] == action).count();
            (count("exception.record.insert") == 2 && count("webhook.auth.verify") == 3).then_some(lines)
        },
    )
    .await;
    let printed: Vec<String> = lines.iter().map(Value::to_string).collect();
    production
        .stack
        .put_records(production.output("AuditStream"), &printed)
        .await;
    // A line can arrive twice.
    production
        .stack
        .put_records(production.output("AuditStream"), &printed[..1])
        .await;

    athena::all_gitlab_calls_of_the_last_day(&production, &lines).await;
    athena::all_lines_of_one_correlation_id(&production, &lines).await;
    let failures = production.ask("authentication_failures_by_source", &[]).await.unwrap();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(
        (failures[0]["reason"].as_str(), failures[0]["failures"].as_str()),
        ("bad_signature", "1")
    );
    athena::exceptions_by_merger(&production, &lines).await;
    athena::every_call_by_outcome(&production, &lines).await;
    athena::rules_in_use(&production, &lines).await;
    athena::requests_rejected_by_the_gateway(&production).await;
}

fn every_nested_stack_is_there(description: &Description) {
    let declared = |template: &Value| -> BTreeSet<String> {
        let resources = template["Resources"].as_object().unwrap().values();
        resources
            .map(|resource| resource["Type"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut wanted = declared(&document::template());
    for name in STACKS {
        wanted.extend(declared(&document::stack(name)));
    }
    let made: BTreeSet<_> = description
        .resources
        .values()
        .flat_map(BTreeMap::values)
        .cloned()
        .collect();
    let left_out: BTreeSet<_> = wanted.difference(&made).map(String::as_str).collect();
    assert_eq!(left_out, BTreeSet::from(LEFT_OUT));
    let stacks: BTreeSet<_> = description.resources.keys().map(String::as_str).collect();
    assert_eq!(
        stacks,
        BTreeSet::from(["template", "NetworkStack", "SearchStack", "ObservabilityStack"])
    );
    let alarms = description.resources["ObservabilityStack"]
        .values()
        .filter(|kind| *kind == "AWS::CloudWatch::Alarm");
    assert!(alarms.count() > 40);
}

fn one_parameter_moves_one_alias(description: &Description) {
    let versions = |operation: &str| {
        let of_version =
            |change: &&(String, String, String)| change.0 == operation && change.2 == "AWS::Lambda::Version";
        description
            .changes
            .iter()
            .filter(of_version)
            .map(|change| change.1.clone())
            .collect::<Vec<_>>()
    };
    // The printed table cuts names.
    for operation in ["Add", "Delete"] {
        let changed = versions(operation);
        assert!(
            changed.len() == 1 && changed[0].starts_with("WebhookFunctionVers"),
            "{:?}",
            description.changes
        );
    }
    let [before, planned, after] = &description.aliases[..] else {
        panic!("{:?}", description.aliases)
    };
    assert_eq!(before, planned, "a change set changes nothing yet");
    let moved: Vec<_> = after
        .iter()
        .filter(|(name, version)| before[*name] != **version)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(moved, ["webhook"], "{after:?}");
}

fn contradictions_are_refused_before_anything_is_made(description: &Description) {
    let expected = [
        "Network must be new or existing",
        "A new database in an existing network needs VpcId",
        "An existing database needs DatabaseHost",
    ];
    assert_eq!(description.refusals.len(), expected.len());
    for (refusal, expected) in description.refusals.iter().zip(expected) {
        // The text is wrapped for a terminal.
        let message = refusal.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(message.contains(expected), "{expected}: {message}");
    }
}
