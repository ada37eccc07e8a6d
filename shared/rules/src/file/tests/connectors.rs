//! The parts of the file that configure who is notified after a merge.

use super::{RULES, Rules, refusal};
use crate::{AuditPage, Pods};

const ARCHIVE: &str = r#"linear: { teams: [eng], completed_state: Shipped }
jira: { base_url: "https://example.atlassian.net/", projects: [PAY], close_exceptions: true }
confluence: { base_url: "https://example.atlassian.net/wiki", space: SEC, title: Audit, parent_id: 12, page_limit_kilobytes: 64 }
"#;
const PODS: &str = "slack: { security_lead_channel: C0SECLEAD, pods: [{ channel: C0POD, labels: [\"pod::*\"], reviewers: [501], projects: [\"pay/*\"] }], pod_fallback_channel: C0REST }";

#[test]
fn what_is_not_named_is_off() {
    let rules = Rules::parse(RULES).unwrap();
    assert_eq!(rules.pods("main"), Some(&Pods::default()));
    assert_eq!((rules.linear, rules.jira, rules.confluence), (None, None, None));
}

#[test]
fn tracker_page_and_pod_defaults_are_read() {
    let rules = Rules::parse(&format!("{RULES}{ARCHIVE}")).unwrap();
    let linear = rules.linear.unwrap();
    assert_eq!(
        (linear.tracking.prefixes, linear.completed_state.as_deref()),
        (vec!["ENG".to_owned()], Some("Shipped"))
    );
    assert_eq!(
        (
            linear.tracking.audited_label.as_str(),
            linear.tracking.exception_label.as_str(),
            linear.tracking.close_exceptions
        ),
        ("audited", "audit-exception", false)
    );
    let jira = rules.jira.unwrap();
    assert_eq!(
        (jira.base_url.as_str(), jira.done_status, jira.tracking.close_exceptions),
        ("https://example.atlassian.net", None, true)
    );
    let confluence = rules.confluence.unwrap();
    let page = AuditPage::Titled {
        space: "SEC".to_owned(),
        title: "Audit".to_owned(),
        parent_id: Some("12".to_owned()),
    };
    assert_eq!((confluence.page, confluence.page_limit_bytes), (page, 64 * 1024));

    let by_id = ARCHIVE.replace(
        "space: SEC, title: Audit, parent_id: 12, page_limit_kilobytes: 64",
        "page_id: 7001",
    );
    let confluence = Rules::parse(&format!("{RULES}{by_id}")).unwrap().confluence.unwrap();
    assert_eq!(
        (confluence.page, confluence.page_limit_bytes),
        (AuditPage::Id("7001".to_owned()), 512 * 1024)
    );

    let text = RULES.replace("slack: { security_lead_channel: C0SECLEAD }", PODS);
    let rules = Rules::parse(&text).unwrap();
    let pods = rules.pods("main").unwrap();
    assert_eq!(
        (pods.pods[0].channel.as_str(), pods.fallback_channel.as_deref()),
        ("C0POD", Some("C0REST"))
    );
    assert_eq!(pods.pods[0].reviewers[0].0, 501);
}

/// A right text, a wrong one, its line and the reason.
const WRONG: [(&str, &str, u32, &str); 13] = [
    ("teams: [eng]", "teams: [ENG-1]", 13, "such as ENG of ENG-123"),
    ("teams: [eng]", "teams: [eng], audited_label: ''", 13, "blank"),
    (
        "teams: [eng]",
        "teams: [eng], audited_label: X, exception_label: x",
        13,
        "must differ",
    ),
    ("teams: [eng]", "team: eng", 13, "team"),
    (
        "https://example.atlassian.net/\"",
        "http://example.atlassian.net/\"",
        14,
        "https://",
    ),
    (
        "projects: [PAY]",
        "projects: [PAY], audited_label: \"is audited\"",
        14,
        "cannot contain spaces",
    ),
    ("projects: [PAY]", "projects: [1A]", 14, "such as ENG of ENG-123"),
    (
        "space: SEC, title: Audit",
        "space: SEC",
        15,
        "page_id, or by space and title",
    ),
    (
        "space: SEC, title: Audit",
        "space: SEC, title: Audit, page_id: 1",
        15,
        "page_id, or by space and title",
    ),
    ("space: SEC, title: Audit", "page_id: 1", 15, "parent_id requires"),
    (
        "page_limit_kilobytes: 64",
        "page_limit_kilobytes: 7",
        15,
        "between 8 and 4096",
    ),
    (
        "page_limit_kilobytes: 64",
        "page_limit_kilobytes: 64000",
        15,
        "between 8 and 4096",
    ),
    (
        "https://example.atlassian.net/wiki",
        "example.atlassian.net",
        15,
        "https://",
    ),
];

#[test]
fn invalid_setting_is_refused_with_line_and_reason() {
    for (right, wrong, line, reason) in WRONG {
        assert!(ARCHIVE.contains(right), "{right}");
        let text = refusal(&format!("{RULES}{}", ARCHIVE.replacen(right, wrong, 1)));
        assert!(
            text.contains(&format!("line {line}:")) && text.contains(reason),
            "{wrong}: {text}"
        );
    }
    for (right, wrong, reason) in [
        ("C0POD,", "pod-payments,", "channel id"),
        ("C0REST", "rest", "channel id"),
        (
            ", labels: [\"pod::*\"], reviewers: [501], projects: [\"pay/*\"]",
            "",
            "no merge request would ever match this pod",
        ),
        ("[501]", "[0]", "numeric user ids"),
        ("\"pod::*\"", "\"*\"", "would match every label"),
    ] {
        assert!(PODS.contains(right), "{right}");
        let text = refusal(&RULES.replace(
            "slack: { security_lead_channel: C0SECLEAD }",
            &PODS.replacen(right, wrong, 1),
        ));
        assert!(text.contains("line 12:") && text.contains(reason), "{wrong}: {text}");
    }
}
