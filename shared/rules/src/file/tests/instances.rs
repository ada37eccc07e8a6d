//! Approvers and pods of several instances: where they are allowed, and the errors elsewhere.

use model::UserId;

use super::{RULES, Rules, RulesError, refusal};
use crate::Approvers;

const TOP: &str = "approvers: { group_id: 4242 }\n";
const ONE: &str = "  main: { api_url: \"https://gitlab.example.com\" }\n";
const SLACK: &str = "slack: { security_lead_channel: C0SECLEAD }\n";

const SEVERAL: &str = r#"
version: 1
instances:
  main:
    api_url: "https://gitlab.example.com"
    approvers: { group_id: 4242, users: [501] }
    pods: [{ channel: C0PODMAIN, reviewers: [501] }]
  acquired:
    api_url: "https://gitlab.acquired.example.com"
    approvers: { users: [77], minimum: 2, exclude_committers: true }
    pods: [{ channel: C0PODACQUIRED, reviewers: [77] }]
labels: ["security::*"]
tiers: []
slack:
  security_lead_channel: C0SECLEAD
  pod_fallback_channel: C0REST
"#;

/// Two instances with everything at the top level, as earlier releases accepted it.
fn earlier() -> String {
    let two = format!("{ONE}  acquired: {{ api_url: \"https://gitlab.acquired.example.com\" }}\n");
    let pods = "slack: { security_lead_channel: C0SECLEAD, pods: [{ channel: C0POD, reviewers: [501] }] }\n";
    RULES.replace(ONE, &two).replace(SLACK, pods)
}

fn assert_refused(text: &str, expected: &[(u32, &str)]) {
    let refused = refusal(text);
    assert_eq!(refused.lines().count(), expected.len(), "{refused}");
    for ((line, reason), found) in expected.iter().zip(refused.lines()) {
        let begin = format!("  line {line}: ");
        assert!(
            found.starts_with(&begin) && found.contains(reason),
            "{begin}{reason}\n{found}"
        );
    }
}

#[test]
fn each_instance_has_its_own_approvers() {
    let rules = Rules::parse(SEVERAL).unwrap();
    let main = rules.approvers("main").unwrap();
    assert_eq!(main.group.as_ref().map(|group| group.id), Some(4242));
    assert_eq!((&*main.users, main.minimum), (&[UserId(501)][..], 1));
    let acquired = Approvers {
        group: None,
        users: vec![UserId(77)],
        approval_rule: None,
        minimum: 2,
        exclude_committers: true,
    };
    assert_eq!(rules.approvers("acquired"), Some(&acquired));
}

#[test]
fn each_instance_has_its_own_pods() {
    let rules = Rules::parse(SEVERAL).unwrap();
    for (instance, channel, reviewer) in [("main", "C0PODMAIN", 501), ("acquired", "C0PODACQUIRED", 77)] {
        let pods = rules.pods(instance).unwrap();
        assert_eq!(pods.fallback_channel.as_deref(), Some("C0REST"));
        assert_eq!(pods.pods.len(), 1);
        assert_eq!(pods.pods[0].channel, channel);
        assert_eq!(pods.pods[0].reviewers, [UserId(reviewer)]);
    }
}

#[test]
fn instance_names_match_exactly() {
    let rules = Rules::parse(SEVERAL).unwrap();
    for name in ["", "Main", "main ", "mai", "main2", "acquired/main", "default"] {
        assert_eq!((rules.approvers(name), rules.pods(name)), (None, None), "{name:?}");
    }
}

#[test]
fn the_only_instance_takes_approvers_in_either_place() {
    let below = ONE.replace(" }", ", approvers: { group_id: 4242 } }");
    let below = Rules::parse(&RULES.replace(TOP, "").replace(ONE, &below)).unwrap();
    let top = Rules::parse(RULES).unwrap();
    assert!(top.approvers("main").is_some());
    assert_eq!(below.approvers("main"), top.approvers("main"));
    assert_eq!(below.pods("main"), top.pods("main"));
}

#[test]
fn top_level_ids_are_rejected_with_several_instances() {
    let places = "write instances.acquired.approvers and instances.main.approvers instead";
    let pods = "write all pods below instances.<name>.pods instead";
    assert_refused(&earlier(), &[(12, places), (13, pods)]);
}

#[test]
fn pods_without_reviewers_serve_several_instances() {
    let pods = "  pods: [{ channel: C0POD, projects: [\"pay/*\"] }]\n";
    let without = SEVERAL
        .replace("    pods: [{ channel: C0PODMAIN, reviewers: [501] }]\n", "")
        .replace("    pods: [{ channel: C0PODACQUIRED, reviewers: [77] }]\n", "");
    let rules = Rules::parse(&(without + pods)).unwrap();
    assert_eq!(rules.pods("main").unwrap().pods[0].channel, "C0POD");
    assert_eq!(rules.pods("main"), rules.pods("acquired"));
    let both = "instances.main.pods: the file also has slack.pods";
    let other = "instances.acquired.pods: the file also has slack.pods";
    assert_refused(&format!("{SEVERAL}{pods}"), &[(11, other), (7, both)]);
}

#[test]
fn missing_or_doubled_approvers_are_rejected() {
    let missing = SEVERAL.replace("    approvers: { group_id: 4242, users: [501] }\n", "");
    assert_refused(&missing, &[(5, "write instances.main.approvers")]);
    assert_refused(&RULES.replace(TOP, ""), &[(4, "write instances.main.approvers")]);
    let own = ONE.replace(" }", ", approvers: { users: [501] } }");
    let doubled = "instances.main.approvers: the file also has approvers at the top level";
    assert_refused(&RULES.replace(ONE, &own), &[(4, doubled)]);
}

#[test]
fn wrong_ids_of_an_instance_are_rejected() {
    for (right, wrong, line, reason) in [
        ("users: [501] }", "users: [-1] }", 6, "numeric user ids"),
        ("reviewers: [77]", "reviewers: [0]", 11, "numeric user ids"),
        ("minimum: 2", "minimum: 0", 10, "at least 1"),
        ("C0PODMAIN", "pod-main", 7, "channel id"),
    ] {
        assert_refused(&SEVERAL.replacen(right, wrong, 1), &[(line, reason)]);
    }
    assert!(refusal(&SEVERAL.replace("minimum: 2", "minimun: 2")).contains("line 10: "));
}

#[test]
fn placeholder_groups_of_instances_are_reported() {
    match Rules::parse(&SEVERAL.replace("4242", "0")) {
        Err(RulesError::Placeholders(problems)) => {
            assert!(problems.len() == 1 && problems[0].contains("line 6: "), "{problems:?}");
        }
        other => panic!("not reported: {other:?}"),
    }
}

#[test]
fn stored_files_of_earlier_releases_stay_readable() {
    let rules = Rules::parse_stored(&earlier()).unwrap();
    let group = |instance| rules.approvers(instance).unwrap().group.as_ref().unwrap().id;
    assert_eq!((group("main"), group("acquired")), (4242, 4242));
    assert_eq!(rules.pods("acquired").unwrap().pods[0].reviewers, [UserId(501)]);
    assert_eq!(rules.pods("main"), rules.pods("acquired"));
    assert_eq!(rules.approvers("other"), None);
}

#[test]
fn stored_files_read_like_new_ones() {
    for text in [RULES, SEVERAL] {
        assert_eq!(Rules::parse_stored(text), Rules::parse(text));
    }
    let placeholder = SEVERAL.replace("C0SECLEAD", "CHANGE_ME");
    assert!(Rules::parse(&placeholder).is_err() && Rules::parse_stored(&placeholder).is_ok());
    assert!(Rules::parse_stored("version: 2").is_err());
}
