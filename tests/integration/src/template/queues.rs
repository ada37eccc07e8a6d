//! Invariants of the queues and their consumers.

use serde_json::{Value, json};

use super::document::template;
use super::read::{consumers, of_type, property};

#[test]
fn every_queue_has_exclusive_14_day_dead_letters() {
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
        // Dead-letter queues that no queue fills belong to asynchronous invocations.
        assert_eq!(fed_by.is_empty(), queue["RedriveAllowPolicy"].is_null(), "{name}");
        assert!(fed_by.len() <= 1, "{name} is shared by {fed_by:?}");
    }
    for (name, target) in sources {
        assert!(
            targets.iter().any(|(known, _)| *known == target),
            "{name}: its dead letters {target} are not a queue of this template"
        );
    }
}

#[test]
fn message_is_invisible_for_six_consumer_timeouts() {
    let template = template();
    let resolve = |value: &Value, pace: &str| match value["Fn::FindInMap"].as_array() {
        Some(path) => template["Mappings"][path[0].as_str().unwrap()][pace][path[2].as_str().unwrap()].as_u64(),
        None => value.as_u64(),
    };
    let consumers = consumers(&template);
    assert_eq!(consumers.len(), 4);
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
fn bad_record_does_not_repeat_its_batch() {
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
fn every_queue_is_encrypted_and_requires_tls() {
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
