//! Invariants of `template.yaml` that the linter does not check.

mod audit_log;
pub(crate) mod document;
mod parameters;
mod queues;
mod read;
mod roles;
mod routes;
mod stacks;

use std::collections::BTreeSet;

use runtime::config::Environment;
use serde_json::json;

use document::template;
use read::{of_type, property};

const FUNCTIONS: [&str; 5] = ["Webhook", "Processor", "Notifier", "Recorder", "Maintenance"];

/// The variables that a function reads, except those that Lambda sets.
fn variables(function: &str) -> BTreeSet<String> {
    let mut env = Environment::from_pairs([]);
    match function {
        "Webhook" => drop(::webhook::config::Config::from_environment(&mut env)),
        "Processor" => drop(::processor::Config::from_environment(&mut env)),
        "Notifier" => drop(::notifier::Config::from_environment(&mut env)),
        "Recorder" => drop(::recorder::Config::from_environment(&mut env)),
        "Maintenance" => drop(::maintenance::Config::from_environment(&mut env)),
        other => panic!("{other} is not a function"),
    }
    let is_set_by_lambda = |name: &String| name.starts_with("AWS_") || name == "LAMBDA_TASK_ROOT";
    env.names_read()
        .iter()
        .filter(|name| !is_set_by_lambda(name))
        .cloned()
        .collect()
}

/// A variable that no function reads: it turns a parameter change into a function change.
const PARAMETERS: &str = "PARAMETERS";

/// The statement that lets a role use the deployment's KMS key, if there is one.
const USE_KEY: &str = "UseTheKeyThroughQueuesAndSecrets";

/// What a function that starts spans also reads.
const TRACING: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"];

#[test]
fn function_gets_exactly_the_variables_it_reads() {
    let template = template();
    assert_eq!(
        of_type(&template, "AWS::Serverless::Function").count(),
        FUNCTIONS.len(),
        "a function is missing from this test"
    );
    for name in FUNCTIONS {
        let set = &property(&template, &format!("{name}Function"), "Environment")["Variables"];
        let set = set.as_object().unwrap().keys().map(String::as_str);
        let set: BTreeSet<_> = set.filter(|name| *name != PARAMETERS).map(str::to_owned).collect();
        // The recorder's work belongs to no delivery's trace.
        let tracing = if name == "Recorder" { &[][..] } else { &TRACING };
        let mut read = variables(name);
        read.extend(tracing.iter().map(|name| (*name).to_owned()));
        assert_eq!(set, read, "{name}");
    }
}

#[test]
fn log_groups_have_retention_and_outlive_the_stack() {
    let template = template();
    let groups: Vec<_> = of_type(&template, "AWS::Logs::LogGroup").collect();
    for (name, group) in &groups {
        assert!(!group["RetentionInDays"].is_null(), "{name}");
        assert_eq!(
            template["Resources"][*name]["DeletionPolicy"], "RetainExceptOnCreate",
            "{name}"
        );
    }
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let group = function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        assert!(
            groups.iter().any(|(known, _)| *known == group),
            "{name} logs to {group}"
        );
    }
}

#[test]
fn code_using_the_schema_waits_for_migrations() {
    let template = template();
    assert_eq!(
        property(&template, "Migrations", "Code"),
        &json!({"Ref": "MaintenanceFunction.Version"})
    );
    for name in [
        "ProcessorFunction",
        "NotifierFunction",
        "EveryMinute",
        "RelayEveryMinute",
        "OperatorRequestsEveryMinute",
        "EveryDay",
        "RecorderEveryMinute",
    ] {
        assert_eq!(template["Resources"][name]["DependsOn"], "Migrations", "{name}");
    }
}

#[test]
fn each_job_of_a_minute_has_its_schedule() {
    let template = template();
    let mut jobs: Vec<_> = of_type(&template, "AWS::Scheduler::Schedule")
        .filter(|(name, schedule)| {
            name.ends_with("EveryMinute") && *name != "RecorderEveryMinute" && !schedule.is_null()
        })
        .map(|(_, schedule)| schedule["Target"]["Input"].as_str().unwrap())
        .collect();
    jobs.sort_unstable();
    let expected =
        ["operator_requests", "pending_evaluations", "relay_effects"].map(|job| format!("{{\"jobs\":[\"{job}\"]}}"));
    assert_eq!(jobs, expected);
}

/// Maintenance and the recorder have no rollout.
#[test]
fn rollout_is_watched_at_the_new_version() {
    let template = template();
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let preference = &function["DeploymentPreference"];
        // The new version runs migrations before traffic is shifted; the recorder accepts lines of every version.
        if ["MaintenanceFunction", "RecorderFunction"].contains(&name) {
            assert!(preference.is_null(), "{name}");
            continue;
        }
        let alarm = preference["Alarms"][0]["Ref"].as_str().unwrap();
        let dimensions = property(&template, alarm, "Dimensions");
        assert_eq!(
            dimensions,
            &json!([
                {"Name": "FunctionName", "Value": {"Ref": name}},
                {"Name": "Resource", "Value": {"Fn::Sub": format!("${{{name}}}:live")}},
                {"Name": "ExecutedVersion", "Value": {"Fn::GetAtt": [name, "Version", "Version"]}},
            ]),
            "{alarm}"
        );
    }
    // Otherwise a change of only a parameter would reach no alias:
    // https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html.
    assert_eq!(template["Transform"][0], "AWS::LanguageExtensions");
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        assert_eq!(function["AutoPublishAliasAllProperties"], true, "{name}");
    }
}
