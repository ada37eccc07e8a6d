//! Formats that earlier versions stored or queued, and that must stay readable for as long as such rows exist.
//!
//! Later fields are missing in these files; the values show the defaults.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ApprovalRule, Content, DiffVersion, EarlierFacts, Envelope, EventAction, Facts, GitLabAnswer, HistoryEvent,
    LabelEvent, LabelFacts, MergeFact, MergeRequestDetails, MergeRequestEvent, MergeTrigger, NOT_ASKED, PartialAnswer,
    Reading, UserId,
};

use crate::compare::parsed;
use crate::queue::{envelope, event};
use crate::values::{approval, approver, at, author, key, label_event, reviewer, sha, trigger};

fn earlier_label_event() -> LabelEvent {
    LabelEvent {
        label_id: None,
        ..label_event()
    }
}

fn earlier_rule() -> ApprovalRule {
    ApprovalRule {
        name: "Security".to_owned(),
        rule_type: Some("regular".to_owned()),
        approvals_required: Some(1),
        approved: Some(true),
        eligible_approvers: vec![approver()],
        eligible_count: None,
        eligible_sha256: None,
        approved_by: vec![approver()],
    }
}

fn first_details() -> MergeRequestDetails {
    MergeRequestDetails {
        read_at: at("11:00:30"),
        mr_id: 990_811,
        title: "Rotate the card vault keys".to_owned(),
        url: "https://gitlab.example.test/payments/gateway/-/merge_requests/811".to_owned(),
        project_path: Some("payments/gateway".to_owned()),
        author: author(),
        created_at: None,
        state: None,
        closed_at: None,
        merge: MergeFact {
            merged_at: at("11:00:00"),
            merge_user: Some(author()),
            merge_commit_sha: Some(sha('b')),
            squash_commit_sha: None,
            head_sha: Some(sha('a')),
            merge_method: None,
        },
        labels_now: vec!["security::high".to_owned()],
        label_events: Reading::Known(vec![earlier_label_event()]),
        approvals: vec![approval()],
        rule_approvers: Reading::Unknown("no approval rules in this tier".to_owned()),
        versions: Reading::Known(vec![DiffVersion {
            created_at: at("09:00:05"),
            head_sha: Some(sha('a')),
            patch_id: None,
        }]),
        reviewers: Reading::Known(vec![reviewer()]),
        eligible_now: Reading::Known(BTreeSet::from([UserId(502)])),
        bots: BTreeMap::from([(UserId(502), false)]),
        bots_unknown: BTreeSet::new(),
        committers: Reading::Unknown(NOT_ASKED.to_owned()),
        clock_offset_seconds: 0,
        approval_rules: Reading::Unknown(NOT_ASKED.to_owned()),
        mentions: Vec::new(),
    }
}

fn earlier_history_event() -> HistoryEvent {
    HistoryEvent {
        action: EventAction::Approved,
        actor: Some(approver()),
        eligible: Some(true),
        eligible_read_at: None,
        occurred_at: at("10:20:00"),
        occurred_at_source: None,
        received_at: None,
        state: None,
        system: false,
        system_action: None,
        labels: vec!["security::high".to_owned()],
        labels_added: Vec::new(),
        labels_removed: Vec::new(),
        labels_truncated: false,
        pushed: false,
        head_sha: Some(sha('a')),
        stale: false,
    }
}

/// Facts from before the ledger and the archive: the fewest fields ever written.
fn first_facts() -> Facts {
    Facts {
        merge_request: key(),
        trigger: MergeTrigger {
            labels_unknown: false,
            ..trigger()
        },
        api: GitLabAnswer::Full(Box::new(first_details())),
        deadline_passed: false,
        history: vec![earlier_history_event()],
        history_truncated: false,
        earlier: EarlierFacts::default(),
    }
}

#[test]
fn facts_of_the_first_version_are_read() {
    parsed("earlier_facts.json", &first_facts());
}

/// Approval rules listed each eligible user, and a failed answer held its reason and the labels.
#[test]
fn gitlab_answers_of_earlier_versions_are_read() {
    let with_rules = MergeRequestDetails {
        created_at: Some(at("09:00:00")),
        state: Some("merged".to_owned()),
        approval_rules: Reading::Known(vec![earlier_rule()]),
        ..first_details()
    };
    let labels = LabelFacts {
        merged_at: Some(at("11:00:00")),
        labels_now: vec!["team::payments".to_owned()],
        label_events: Reading::Known(vec![earlier_label_event()]),
        clock_offset_seconds: 0,
    };
    let unread = PartialAnswer {
        labels: Some(labels.clone()),
        ..PartialAnswer::from("502 Bad Gateway".to_owned())
    };
    let answers = vec![
        GitLabAnswer::Full(Box::new(with_rules)),
        GitLabAnswer::LabelsOnly(labels),
        GitLabAnswer::Unavailable(unread),
        GitLabAnswer::Denied(PartialAnswer::from("404 Not Found".to_owned())),
    ];
    parsed("earlier_gitlab_answers.json", &answers);
}

#[test]
fn an_empty_record_of_earlier_answers_is_read() {
    parsed("earlier_answers_empty.json", &EarlierFacts::default());
}

/// Deliveries that a queue held during a release.
#[test]
fn an_envelope_of_an_earlier_version_is_read() {
    let event = MergeRequestEvent {
        labels_truncated: false,
        ..event()
    };
    let queued: Envelope = envelope(Content::MergeRequest(Box::new(event)));
    parsed("earlier_envelope.json", &queued);
}
