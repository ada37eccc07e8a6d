//! The path of the audit lines: from every function's log group to the recorder, and lines that it cannot store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ::maintenance::NamedJob;
use serde_json::{Value, json};

use super::USE_KEY;
use super::document::{stack, template};
use super::read::{consumers, many, of_type, property, statements};

/// Limit of an invocation; a message has at most 1 MiB: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const LARGEST_INVOCATION_IN_MIB: u64 = 6;

/// Every invocation of the recorder uses the version of the alias.
fn recorder() -> Value {
    json!({"Ref": "RecorderFunction.Alias"})
}

#[test]
fn lines_of_all_other_functions_reach_the_recorder() {
    let template = template();
    let groups: BTreeSet<_> = of_type(&template, "AWS::Serverless::Function")
        .map(|(_, function)| function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap())
        .collect();
    let filters: Vec<_> = of_type(&template, "AWS::Logs::SubscriptionFilter").collect();
    let mut subscribed = BTreeSet::new();
    for (name, filter) in &filters {
        assert_eq!(filter["DestinationArn"], recorder(), "{name}");
        assert_eq!(filter["FilterPattern"], json!({"Ref": "AuditFilterPattern"}), "{name}");
        let group = filter["LogGroupName"]["Ref"].as_str().unwrap();
        assert!(subscribed.insert(group), "{group} is subscribed twice");
    }
    // Its own lines about storing lines would have to be stored.
    let expected: BTreeSet<_> = groups.into_iter().filter(|group| *group != "RecorderLogs").collect();
    assert_eq!(subscribed, expected);
    assert_eq!(subscribed.len(), 4);
}

#[test]
fn only_subscribed_log_groups_may_invoke_the_recorder() {
    let template = template();
    for (name, filter) in of_type(&template, "AWS::Logs::SubscriptionFilter") {
        let permission = template["Resources"][name]["DependsOn"].as_str().unwrap();
        let expected = json!({
            "Action": "lambda:InvokeFunction", "FunctionName": recorder(), "Principal": "logs.amazonaws.com",
            "SourceAccount": {"Ref": "AWS::AccountId"}, "SourceArn": {"Fn::GetAtt": [filter["LogGroupName"]["Ref"], "Arn"]},
        });
        assert_eq!(
            template["Resources"][permission]["Properties"], expected,
            "{permission}"
        );
    }
}

#[test]
fn filter_accepts_only_entries_and_announcements() {
    let template = template();
    let pattern = template["Parameters"]["AuditFilterPattern"]["Default"]
        .as_str()
        .unwrap();
    // A trailing asterisk matches any characters:
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html.
    let prefix = pattern
        .strip_prefix("{ $.event_type = \"")
        .and_then(|rest| rest.strip_suffix("*\" }"))
        .unwrap();
    for kind in [audit::ENTRY, audit::INTENT] {
        assert!(kind.starts_with(prefix), "{kind} does not pass {pattern}");
    }
    assert!(!prefix.is_empty());
}

#[test]
fn what_the_migrations_print_is_recorded_too() {
    let template = template();
    assert_eq!(template["Resources"]["Migrations"]["DependsOn"], "MaintenanceLines");
    // Otherwise they would wait for each other forever.
    assert!(template["Resources"]["RecorderFunction"]["DependsOn"].is_null());
}

#[test]
fn lines_not_stored_wait_on_the_retry_queue() {
    let template = template();
    let queue = json!({"Fn::GetAtt": ["AuditRetryQueue", "Arn"]});
    let asynchronous = property(&template, "RecorderFunction", "EventInvokeConfig");
    assert_eq!(
        asynchronous,
        &json!({
            "MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 21600,
            "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": queue}},
        })
    );
    let variables = &property(&template, "RecorderFunction", "Environment")["Variables"];
    assert_eq!(variables["AUDIT_RETRY_QUEUE_URL"], json!({"Ref": "AuditRetryQueue"}));
    let consumers = consumers(&template);
    let of_queue = |queue: &Value| {
        let mut events = consumers.iter().filter(|(name, _)| *name == "RecorderFunction");
        events.find(|(_, event)| event["Queue"] == *queue).unwrap().1
    };
    let retry = of_queue(&queue);
    assert!(retry["BatchSize"].as_u64().unwrap() < LARGEST_INVOCATION_IN_MIB);

    // Lines of different streams are unordered, and an OnFailure destination cannot be a FIFO queue.
    let properties = &template["Resources"]["AuditRetryQueue"]["Properties"];
    assert!(properties["FifoQueue"].is_null());
    assert_eq!(properties["MessageRetentionPeriod"], 14 * 24 * 3600);

    // Entries of other services arrive on their own queue, which the recorder knows by its ARN.
    let inlet = json!({"Fn::GetAtt": ["AuditInletQueue", "Arn"]});
    assert_eq!(variables["AUDIT_INLET_QUEUE_ARN"], inlet);
    assert!(of_queue(&inlet)["BatchSize"].as_u64().unwrap() * 200 < LARGEST_INVOCATION_IN_MIB * 1024);
}

#[test]
fn recorder_role_has_minimal_secrets_queue_and_log() {
    let template = template();
    let mut allowed = BTreeSet::new();
    for (_, statement) in statements(&template).into_iter().filter(|(role, statement)| {
        *role == "RecorderRole" && statement["Sid"] != "EnterVpc" && statement["Sid"] != USE_KEY
    }) {
        for (action, resource) in many(&statement["Action"]).into_iter().flat_map(|action| {
            many(&statement["Resource"])
                .into_iter()
                .map(move |resource| (action, resource))
        }) {
            let name = resource["Ref"].as_str().or(resource["Fn::GetAtt"][0].as_str()).unwrap();
            allowed.insert((action.as_str().unwrap(), name));
        }
    }
    let expected = BTreeSet::from([
        ("logs:CreateLogStream", "RecorderLogs"),
        ("logs:PutLogEvents", "RecorderLogs"),
        ("secretsmanager:GetSecretValue", "DatabaseSecret"),
        ("secretsmanager:GetSecretValue", "OutboundSecret"),
        ("sqs:SendMessage", "AuditRetryQueue"),
        ("sqs:ReceiveMessage", "AuditRetryQueue"),
        ("sqs:DeleteMessage", "AuditRetryQueue"),
        ("sqs:ChangeMessageVisibility", "AuditRetryQueue"),
        ("sqs:GetQueueAttributes", "AuditRetryQueue"),
        ("sqs:ReceiveMessage", "AuditInletQueue"),
        ("sqs:DeleteMessage", "AuditInletQueue"),
        ("sqs:ChangeMessageVisibility", "AuditInletQueue"),
        ("sqs:GetQueueAttributes", "AuditInletQueue"),
    ]);
    assert_eq!(allowed, expected);
}

#[test]
fn what_the_schedules_ask_for_is_understood() {
    let template = template();
    let mut seen = 0;
    for (name, schedule) in of_type(&template, "AWS::Scheduler::Schedule") {
        seen += 1;
        let target = &schedule["Target"];
        let input = target["Input"].as_str().unwrap();
        let understood = match target["Arn"]["Ref"].as_str().unwrap() {
            "MaintenanceFunction.Alias" => {
                let request = serde_json::from_str(input).unwrap();
                let known = |job: &NamedJob| matches!(job, NamedJob::Known(_));
                matches!(request, ::maintenance::MaintenanceRequest::Jobs { jobs } if jobs.iter().all(known))
            }
            "RecorderFunction.Alias" => serde_json::from_str::<::recorder::RecorderRequest>(input).is_ok(),
            other => panic!("{name} runs {other}"),
        };
        assert!(understood, "{name}: {input}");
    }
    assert_eq!(seen, 5);
}

/// An alarm on an unwritten metric would never fire.
#[test]
fn every_own_alarm_watches_a_written_metric() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let sources = sources(&root.join("functions")) + &sources(&root.join("shared"));
    let template = stack("observability");
    let own = json!({"Fn::Sub": "Countersign/${Name}"});
    assert_eq!(
        super::document::template()["Globals"]["Function"]["Environment"]["Variables"]["METRICS_NAMESPACE"],
        json!({"Fn::Sub": "Countersign/${AWS::StackName}"})
    );
    let filters = of_type(&template, "AWS::Logs::MetricFilter");
    let filtered: Vec<_> = filters
        .map(|(_, filter)| filter["MetricTransformations"][0]["MetricName"].clone())
        .collect();
    let mut seen = 0;
    for (name, alarm) in of_type(&template, "AWS::CloudWatch::Alarm")
        .filter(|(_, alarm)| alarm["Namespace"] == own && !filtered.contains(&alarm["MetricName"]))
    {
        seen += 1;
        assert!(
            sources.contains(&alarm["MetricName"].to_string()),
            "{name}: {}",
            alarm["MetricName"]
        );
    }
    assert!(seen > 10, "only {seen}");
    assert!(!sources.contains("\"audit_gaps_opened\""), "the check can fail");
}

/// Every Rust source below a folder, concatenated.
fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(extension) if extension == "rs" => std::fs::read_to_string(&path).unwrap(),
        _ => String::new(),
    };
    entries.map(text).collect()
}

#[test]
fn every_kind_of_destination_has_the_same_alarms() {
    let template = stack("observability");
    let mut watched = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (name, alarm) in of_type(&template, "AWS::CloudWatch::Alarm") {
        for dimension in many(&alarm["Dimensions"]) {
            if dimension["Name"] == "destination" {
                let kinds = watched.entry(alarm["MetricName"].as_str().unwrap()).or_default();
                assert!(
                    kinds.insert(dimension["Value"].as_str().unwrap()),
                    "{name} is defined twice"
                );
            }
        }
    }
    let kinds = BTreeSet::from(["file", "http", "syslog"]);
    let expected =
        ["audit_deliveries_refused", "audit_destination_oldest_seconds"].map(|metric| (metric, kinds.clone()));
    assert_eq!(watched, BTreeMap::from(expected));
}
