//! Valid contents of a rules file, and how an invalid one is rejected: with the line and the reason.

mod connectors;
mod instances;

use model::ExceptionKind;

use super::{Rules, RulesError};
use crate::testing::RULES;

fn refusal(text: &str) -> String {
    match Rules::parse(text) {
        Err(RulesError::Refused(problems)) => problems.join("\n"),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_right_file_is_read_with_its_defaults() {
    let rules = Rules::parse(RULES).unwrap();
    let group = rules.approvers("main").unwrap().group.as_ref().unwrap();
    assert_eq!(
        (group.id, group.include_inherited, group.minimum_access_level),
        (4242, false, 30)
    );
    assert_eq!(
        rules.approvers("main").map(|who| (who.minimum, who.exclude_committers)),
        Some((1, false))
    );
    assert_eq!(rules.verify_deadline_minutes, 15);
    assert_eq!(rules.instances["main"].api_url, "https://gitlab.example.com");
    assert!(rules.is_security_label("SEC/anything") && !rules.is_security_label("backend"));
    assert_eq!(
        rules.slack.wording.why(ExceptionKind::NoApproval),
        "No approval was given."
    );
}

#[test]
fn the_hash_names_the_file_to_the_byte() {
    let one = Rules::parse(RULES).unwrap().hash;
    let other = Rules::parse(&format!("{RULES}\n")).unwrap().hash;
    assert_eq!(one.len(), 64);
    assert_ne!(one, other);
}

#[test]
fn invalid_file_is_refused_with_line_and_reason() {
    for (right, wrong, line, reason) in [
        ("version: 1", "version: 2", 2, "version must be 1"),
        (
            "https://gitlab.example.com",
            "http://gitlab.example.com",
            4,
            "must begin with https://",
        ),
        ("\"security::*\"", "\"*\"", 5, "would match every label"),
        ("group_id: 4242", "users: []", 11, "no user could ever approve"),
        ("group_id: 4242", "group_id: 4242, minimum: 0", 11, "at least 1"),
        (
            "group_id: 4242",
            "group_id: 4242, minimum_access_level: 33",
            11,
            "not a GitLab access level",
        ),
        ("group_id: 4242", "group_id: 4242, users: [-1]", 11, "numeric user ids"),
        ("group_id: 4242", "group_id: abc", 11, "i64"),
        ("group_id: 4242", "grop_id: 4242", 11, "grop_id"),
        ("C0SECLEAD", "\"#security\"", 12, "channel id"),
        (
            "C0SECLEAD",
            "C0SECLEAD, why: {no_aproval: x}",
            12,
            "not a kind of exception",
        ),
        ("name: critical", "name: ''", 7, "blank"),
    ] {
        assert!(RULES.contains(right), "{right}");
        let text = refusal(&RULES.replacen(right, wrong, 1));
        assert!(
            text.contains(&format!("line {line}:")) && text.contains(reason),
            "{wrong}: {text}"
        );
    }
}

#[test]
fn invalid_service_level_is_refused_with_its_line() {
    let sla = "sla:\n  targets: { critical: 4h, unclassified: 3d }\n  business_hours: { time_zone: Europe/Berlin, from: \"09:00\", to: \"17:00\", days: [mon, fri], holidays: [\"2026-12-25\"] }\n";
    let rules = Rules::parse(&format!("{RULES}{sla}")).unwrap();
    assert_eq!(rules.sla.targets["critical"].as_hours(), 4);
    assert_eq!(
        rules.sla.targets["unclassified"].as_hours(),
        24,
        "three days of eight hours"
    );
    let hours = rules.sla.business.unwrap();
    assert_eq!((hours.days.len(), hours.holidays.len()), (2, 1));
    for (right, wrong, line, reason) in [
        ("critical: 4h", "severe: 4h", 14, "not a tier of this file"),
        ("critical: 4h", "critical: soon", 14, "90m, 4h, 3d"),
        ("critical: 4h", "critical: 0h", 14, "90m, 4h, 3d"),
        ("Europe/Berlin", "Europe/Atlantis", 15, "IANA"),
        ("mon, fri", "monday", 15, "mon, tue"),
        ("2026-12-25", "Christmas", 15, "2026-12-25"),
        ("\"09:00\"", "\"9 am\"", 15, "09:00"),
        ("\"17:00\"", "\"08:00\"", 15, "end after they begin"),
        ("targets", "goals", 14, "goals"),
    ] {
        assert!(sla.contains(right), "{right}");
        let text = refusal(&format!("{RULES}{}", sla.replacen(right, wrong, 1)));
        assert!(
            text.contains(&format!("line {line}:")) && text.contains(reason),
            "{wrong}: {text}"
        );
    }
}

#[test]
fn every_problem_is_reported_together() {
    let text = refusal(
        &RULES
            .replace("version: 1", "version: 3")
            .replace("C0SECLEAD", "general"),
    );
    assert!(text.contains("line 2:") && text.contains("line 12:"), "{text}");
}

#[test]
fn placeholders_are_refused_as_such() {
    let text = RULES.replace("4242", "0").replace("C0SECLEAD", "CHANGE_ME");
    let Err(RulesError::Placeholders(problems)) = Rules::parse(&text) else {
        panic!("accepted")
    };
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0].contains("line 11") && problems[1].contains("line 12"),
        "{problems:?}"
    );
}

#[test]
fn every_word_of_the_alert_can_be_replaced() {
    let slack = "slack: { security_lead_channel: C0SECLEAD, headline: Achtung, advice: Bitte prüfen, why: { no_approval: Niemand hat zugestimmt } }";
    let text = RULES.replace("slack: { security_lead_channel: C0SECLEAD }", slack);
    let wording = Rules::parse(&text).unwrap().slack.wording;
    assert_eq!(
        (wording.headline.as_str(), wording.advice.as_str()),
        ("Achtung", "Bitte prüfen")
    );
    assert_eq!(wording.why(ExceptionKind::NoApproval), "Niemand hat zugestimmt");
}

#[test]
fn nonsense_is_refused_without_a_panic() {
    for text in [
        "",
        "{",
        "- a\n- b",
        "version: [",
        "\u{0}",
        "a: &a [*a]",
        "version: 1\nversion: 1",
    ] {
        let _ = refusal(text);
    }
}

#[test]
fn deployed_rules_parse_except_for_unfilled_placeholders() {
    match Rules::parse(include_str!("../../../../infra/rules.yaml")) {
        Ok(_) => (),
        Err(RulesError::Placeholders(problems)) => assert!(problems.len() <= 3, "{problems:?}"),
        Err(refused) => panic!("{refused}"),
    }
}

#[test]
fn the_local_stacks_rules_are_right() {
    Rules::parse(include_str!("../../../../tests/tools/rules.yaml")).unwrap();
}
