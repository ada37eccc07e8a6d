//! What must hold of `template.yaml` whatever else changes in it; the linter looks for none of this.

pub(crate) mod document;
mod stacks;
mod trail;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use document::template;

/// The variables each function reads.
const FUNCTIONS: [(&str, &[&str]); 5] = [
    ("Webhook", ::webhook::VARIABLES),
    ("Processor", ::processor::VARIABLES),
    ("Notifier", ::notifier::VARIABLES),
    ("Recorder", ::recorder::VARIABLES),
    ("Maintenance", ::maintenance::VARIABLES),
];

/// A variable that no function reads: it makes a change of a parameter a change of the function.
const PARAMETERS: &str = "PARAMETERS";

/// The statement by which a role uses the deployment's own key, if there is one.
const USE_KEY: &str = "UseTheKeyThroughQueuesAndSecrets";

/// What a function that begins spans reads besides.
const TRACING: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"];

#[test]
fn a_function_is_given_exactly_the_variables_it_reads() {
    let template = template();
    assert_eq!(
        of_type(&template, "AWS::Serverless::Function").count(),
        FUNCTIONS.len(),
        "a function is missing from this test"
    );
    for (name, variables) in FUNCTIONS {
        let set = &property(&template, &format!("{name}Function"), "Environment")["Variables"];
        let set = set.as_object().unwrap().keys().map(String::as_str);
        let set: BTreeSet<_> = set.filter(|name| *name != PARAMETERS).collect();
        // What the recorder does belongs to no delivery's trace.
        let tracing = if name == "Recorder" { &[][..] } else { &TRACING };
        assert_eq!(set, variables.iter().chain(tracing).copied().collect(), "{name}");
    }
}

#[test]
fn every_queue_has_dead_letters_that_it_alone_may_fill_and_that_last_fourteen_days() {
    let template = template();
    let (targets, sources): (Vec<_>, Vec<_>) =
        of_type(&template, "AWS::SQS::Queue").partition(|(_, queue)| queue["RedrivePolicy"].is_null());
    let sources: Vec<_> = sources
        .iter()
        .map(|(name, queue)| {
            (
                *name,
                queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
                    .as_str()
                    .unwrap(),
            )
        })
        .collect();
    assert!(!sources.is_empty());
    for (name, queue) in &targets {
        assert_eq!(queue["MessageRetentionPeriod"], 14 * 24 * 3600, "{name}");
        let fed_by: Vec<_> = sources.iter().filter(|(_, target)| target == name).collect();
        // Dead letters that no queue fills belong to asynchronous invocations.
        assert_eq!(fed_by.is_empty(), queue["RedriveAllowPolicy"].is_null(), "{name}");
        assert!(fed_by.len() <= 1, "{name} is shared by {fed_by:?}");
    }
    for (name, target) in sources {
        assert!(
            targets.iter().any(|(known, _)| *known == target),
            "{name}: its dead letters {target} are no queue here"
        );
    }
}

#[test]
fn a_message_stays_invisible_for_six_times_its_consumers_timeout() {
    let template = template();
    let resolve = |value: &Value, pace: &str| match value["Fn::FindInMap"].as_array() {
        Some(path) => template["Mappings"][path[0].as_str().unwrap()][pace][path[2].as_str().unwrap()].as_u64(),
        None => value.as_u64(),
    };
    let consumers = consumers(&template);
    assert_eq!(consumers.len(), 3);
    for pace in template["Mappings"]["RetryPaces"].as_object().unwrap().keys() {
        for (function, event) in &consumers {
            let queue = event["Queue"]["Fn::GetAtt"][0].as_str().unwrap();
            let timeout = resolve(property(&template, function, "Timeout"), pace).unwrap();
            let visibility = resolve(property(&template, queue, "VisibilityTimeout"), pace).unwrap();
            assert!(
                visibility >= 6 * timeout,
                "{queue}, {pace}: {visibility} s for a timeout of {timeout} s"
            );
            // A day of attempts, or as many as SQS allows (1000).
            let receives = resolve(&property(&template, queue, "RedrivePolicy")["maxReceiveCount"], pace).unwrap();
            assert!(
                receives * visibility >= 24 * 3600 || receives == 1000,
                "{queue}, {pace}: {receives} receives"
            );
        }
    }
}

#[test]
fn one_bad_record_does_not_repeat_its_whole_batch() {
    let template = template();
    for (function, event) in consumers(&template) {
        assert_eq!(
            event["FunctionResponseTypes"],
            json!(["ReportBatchItemFailures"]),
            "{function}"
        );
    }
}

#[test]
fn every_queue_is_encrypted_and_refuses_requests_without_tls() {
    let template = template();
    let (_, policy) = of_type(&template, "AWS::SQS::QueuePolicy").next().unwrap();
    let statement = &policy["PolicyDocument"]["Statement"][0];
    assert_eq!(
        (&statement["Effect"], &statement["Condition"]),
        (&json!("Deny"), &json!({"Bool": {"aws:SecureTransport": "false"}}))
    );
    for (name, queue) in of_type(&template, "AWS::SQS::Queue") {
        let otherwise = json!({"Ref": "AWS::NoValue"});
        let (ours, theirs) = (json!({"Ref": "KmsKeyArn"}), json!(true));
        assert_eq!(
            (&queue["SqsManagedSseEnabled"], &queue["KmsMasterKeyId"]),
            (
                &json!({"Fn::If": ["HasKey", otherwise, theirs]}),
                &json!({"Fn::If": ["HasKey", ours, otherwise]})
            ),
            "{name}"
        );
        assert!(
            policy["Queues"].as_array().unwrap().contains(&json!({"Ref": name})),
            "{name} has no policy"
        );
    }
}

#[test]
fn every_log_group_forgets_in_time_and_outlives_the_stack() {
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
fn no_statement_that_allows_has_a_wildcard_action_and_only_network_interfaces_a_wildcard_resource() {
    let template = template();
    let mut seen = 0;
    for (role, statement) in statements(&template) {
        seen += 1;
        for action in many(&statement["Action"]) {
            assert!(!action.as_str().unwrap().contains('*'), "{role}: {action}");
        }
        let everywhere = many(&statement["Resource"])
            .iter()
            .any(|resource| resource.as_str() == Some("*"));
        let network = many(&statement["Action"])
            .iter()
            .all(|action| action.as_str().unwrap().starts_with("ec2:"));
        assert!(!everywhere || network, "{role}: {statement}");
    }
    assert!(seen > 10, "only {seen} statements found");
}

#[test]
fn the_public_function_reads_its_own_secret_and_writes_to_one_queue_and_its_log_only() {
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
            json!({"Fn::GetAtt": ["DeliveriesQueue", "Arn"]}),
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
fn only_maintenance_may_read_the_database_owners_secret_and_only_the_webhook_its_own() {
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
fn the_key_is_used_through_queues_and_secrets_only_and_only_where_there_is_one() {
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
fn every_function_has_a_role_of_its_own() {
    let template = template();
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let role = name.replace("Function", "Role");
        assert_eq!(function["Role"], json!({"Fn::GetAtt": [role, "Arn"]}), "{name}");
    }
}

#[test]
fn new_code_that_uses_the_schema_waits_for_the_migrations() {
    let template = template();
    assert_eq!(
        property(&template, "Migrations", "Code"),
        &json!({"Ref": "MaintenanceFunction.Version"})
    );
    for name in [
        "ProcessorFunction",
        "NotifierFunction",
        "EveryMinute",
        "EveryDay",
        "RecorderEveryMinute",
    ] {
        assert_eq!(template["Resources"][name]["DependsOn"], "Migrations", "{name}");
    }
}

#[test]
fn a_rollout_is_watched_at_the_new_version_alone_and_maintenance_has_none() {
    let template = template();
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let preference = &function["DeploymentPreference"];
        // Migrations are run by the new version before any traffic is shifted; the recorder takes every line whatever its version.
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
    // Else a change of a parameter alone would reach no alias: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html.
    assert_eq!(template["Transform"][0], "AWS::LanguageExtensions");
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        assert_eq!(function["AutoPublishAliasAllProperties"], true, "{name}");
    }
}

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

/// `sam deploy --guided` offers the default of a parameter; of one with `NoEcho` it does not, and asks again until something is typed.
#[test]
fn every_question_of_the_guided_deployment_can_be_answered_with_enter() {
    for (name, parameter) in template()["Parameters"].as_object().unwrap() {
        let is_answered = |answer: &Value| answer.is_string() || answer.is_number();
        assert!(is_answered(&parameter["Default"]), "{name} has no default");
        assert!(parameter["NoEcho"].is_null(), "{name} is asked for without its default");
    }
}

#[test]
fn a_change_of_any_parameter_that_a_function_sees_is_another_version_of_it() {
    let template = template();
    let declared = template["Parameters"].as_object().unwrap();
    let globals = parameters_in(&template["Globals"]["Function"], &template);
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let mut seen = function.clone();
        let variables = &mut seen["Environment"]["Variables"];
        let told = variables.as_object_mut().unwrap().remove(PARAMETERS).unwrap();
        let told: BTreeSet<_> = many(&told["Fn::ToJsonString"])
            .into_iter()
            .map(|told| told["Ref"].as_str().unwrap())
            .collect();
        // How a version takes over is no part of it.
        seen.as_object_mut().unwrap().remove("DeploymentPreference");
        let mut needed = parameters_in(&seen, &template);
        needed.extend(globals.iter().cloned());
        needed.retain(|parameter| declared[parameter]["NoEcho"].is_null());
        let missing: Vec<_> = needed
            .iter()
            .filter(|parameter| !told.contains(parameter.as_str()))
            .collect();
        assert!(missing.is_empty(), "{name} would not notice {missing:?}");
        assert!(told.iter().all(|told| declared.contains_key(*told)), "{name}: {told:?}");
    }
}

/// The parameters that a value depends on, those of its conditions and mappings included.
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

/// The resources of a type, by name, with their properties.
fn of_type<'a>(template: &'a Value, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    resources(template)
        .iter()
        .filter(move |(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.as_str(), &resource["Properties"]))
}

fn resources(template: &Value) -> &Map<String, Value> {
    template["Resources"].as_object().unwrap()
}

fn property<'a>(template: &'a Value, resource: &str, property: &str) -> &'a Value {
    let found = &template["Resources"][resource]["Properties"][property];
    assert!(!found.is_null(), "{resource} has no {property}");
    found
}

/// Every queue that a function takes messages from: the function and its event.
fn consumers(template: &Value) -> Vec<(&str, &Value)> {
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

/// What there is if the condition before it holds.
fn unconditional(value: &Value) -> &Value {
    value.get("Fn::If").map_or(value, |branches| &branches[1])
}

/// Every statement of every role and policy, those behind a condition included.
fn statements<'a>(template: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let mut found = Vec::new();
    let mut add = |role, policy: &'a Value| {
        let policy = unconditional(policy);
        let list = policy["PolicyDocument"]["Statement"].as_array().unwrap();
        found.extend(list.iter().map(|statement| (role, unconditional(statement))));
    };
    for (role, properties) in of_type(template, "AWS::IAM::Role") {
        // A managed policy allows more than is needed, but this one is what RDS itself looks for.
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

/// One or several, as a list.
fn many(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |values| values.iter().collect())
}
