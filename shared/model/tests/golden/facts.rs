//! `security_review_decisions.inputs`, `evaluations.trigger` and `.earlier`, and the GitLab answer in `review_evidence.content`.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Approval, ApprovalRule, DiffVersion, EarlierFacts, EventAction, Facts, GitLabAnswer, HistoryEvent, IssueMention,
    LabelEvent, LabelFacts, MentionPlace, MergeFact, MergeRequestDetails, NOT_ASKED, OccurredAtSource, PartialAnswer,
    Reading, Reviewer, SystemAction, UserId,
};

use crate::compare::{same, same_and_full};
use crate::values::{
    approval, approver, at, author, key, label_event, reviewer, sha, sha256, sparse_trigger, trigger, user,
};

fn unknown<T>() -> Reading<T> {
    Reading::Unknown("403 Forbidden".to_owned())
}

fn approval_rule() -> ApprovalRule {
    ApprovalRule {
        name: "Security".to_owned(),
        rule_type: Some("regular".to_owned()),
        approvals_required: Some(1),
        approved: Some(true),
        eligible_approvers: vec![approver()],
        eligible_count: Some(12),
        eligible_sha256: Some(sha256('e')),
        approved_by: vec![approver()],
    }
}

fn merge() -> MergeFact {
    MergeFact {
        merged_at: at("11:00:00"),
        merge_user: Some(author()),
        merge_commit_sha: Some(sha('b')),
        squash_commit_sha: Some(sha('c')),
        head_sha: Some(sha('a')),
        merge_method: Some("merge_train".to_owned()),
    }
}

fn mentions() -> Vec<IssueMention> {
    let places = [MentionPlace::Branch, MentionPlace::Title, MentionPlace::Description];
    let mention = |place| IssueMention {
        place,
        key: "VAULT-42".to_owned(),
    };
    places.map(mention).into()
}

fn details() -> MergeRequestDetails {
    MergeRequestDetails {
        read_at: at("11:00:30"),
        mr_id: 990_811,
        title: "Rotate the card vault keys".to_owned(),
        url: "https://gitlab.example.test/payments/gateway/-/merge_requests/811".to_owned(),
        project_path: Some("payments/gateway".to_owned()),
        author: author(),
        created_at: Some(at("09:00:00")),
        state: Some("merged".to_owned()),
        closed_at: Some(at("09:30:00")),
        merge: merge(),
        labels_now: vec!["security::high".to_owned()],
        label_events: Reading::Known(vec![label_event()]),
        approvals: vec![approval()],
        rule_approvers: Reading::Known(BTreeSet::from([UserId(502)])),
        versions: Reading::Known(vec![DiffVersion {
            created_at: at("09:00:05"),
            head_sha: Some(sha('a')),
            patch_id: Some(sha('d')),
        }]),
        reviewers: Reading::Known(vec![reviewer()]),
        eligible_now: Reading::Known(BTreeSet::from([UserId(502), UserId(503)])),
        bots: BTreeMap::from([(UserId(502), false), (UserId(601), true)]),
        bots_unknown: BTreeSet::from([UserId(602)]),
        committers: Reading::Known(BTreeSet::from([UserId(501)])),
        clock_offset_seconds: -2,
        approval_rules: Reading::Known(vec![approval_rule()]),
        mentions: mentions(),
    }
}

/// Unreadable values are `Unknown`, optional ones are missing, and every list has one minimal item.
fn sparse_details() -> MergeRequestDetails {
    MergeRequestDetails {
        project_path: None,
        created_at: None,
        state: None,
        closed_at: None,
        merge: MergeFact {
            merged_at: at("11:00:00"),
            merge_user: None,
            merge_commit_sha: None,
            squash_commit_sha: None,
            head_sha: None,
            merge_method: None,
        },
        labels_now: Vec::new(),
        label_events: Reading::Known(vec![LabelEvent {
            label: None,
            label_id: None,
            added: false,
            at: at("09:05:00"),
            actor: None,
        }]),
        approvals: vec![Approval {
            user: approver(),
            approved_at: None,
        }],
        rule_approvers: unknown(),
        versions: Reading::Known(vec![DiffVersion {
            created_at: at("09:00:05"),
            head_sha: None,
            patch_id: None,
        }]),
        reviewers: Reading::Known(vec![Reviewer {
            user: approver(),
            state: None,
        }]),
        eligible_now: unknown(),
        bots: BTreeMap::new(),
        bots_unknown: BTreeSet::new(),
        committers: Reading::Unknown(NOT_ASKED.to_owned()),
        clock_offset_seconds: 0,
        approval_rules: Reading::Known(vec![ApprovalRule {
            name: "Any approver".to_owned(),
            rule_type: None,
            approvals_required: None,
            approved: None,
            eligible_approvers: Vec::new(),
            eligible_count: None,
            eligible_sha256: None,
            approved_by: Vec::new(),
        }]),
        mentions: Vec::new(),
        ..details()
    }
}

/// Every value that may be unknown is unknown.
fn unreadable_details() -> MergeRequestDetails {
    MergeRequestDetails {
        label_events: unknown(),
        versions: unknown(),
        reviewers: unknown(),
        committers: unknown(),
        approval_rules: Reading::Unknown(NOT_ASKED.to_owned()),
        ..sparse_details()
    }
}

fn labels_read() -> LabelFacts {
    LabelFacts {
        merged_at: Some(at("11:00:00")),
        labels_now: vec!["team::payments".to_owned()],
        label_events: Reading::Known(vec![label_event()]),
        clock_offset_seconds: 3,
    }
}

/// The two fields that are not stored are false, as parsing a row sets them.
fn unread() -> PartialAnswer {
    PartialAnswer {
        because: "502 Bad Gateway".to_owned(),
        labels: Some(labels_read()),
        approvals: vec![approval()],
        read_at: Some(at("11:00:30")),
        merged: true,
        retry_after_seconds: Some(90),
        details_read: false,
        silent: false,
    }
}

fn history_event() -> HistoryEvent {
    HistoryEvent {
        action: EventAction::Unapproved,
        actor: Some(author()),
        eligible: Some(false),
        eligible_read_at: Some(at("10:30:04")),
        occurred_at: at("10:30:00"),
        occurred_at_source: Some(OccurredAtSource::ActionedAt),
        received_at: Some(at("10:30:03")),
        state: Some("opened".to_owned()),
        system: true,
        system_action: Some(SystemAction::ApprovalsResetOnPush),
        labels: vec!["security::high".to_owned()],
        labels_added: vec!["security::high".to_owned()],
        labels_removed: vec!["security::low".to_owned()],
        labels_truncated: true,
        pushed: true,
        head_sha: Some(sha('a')),
        stale: true,
    }
}

fn sparse_history_event() -> HistoryEvent {
    HistoryEvent {
        action: EventAction::Other(String::new()),
        actor: None,
        eligible: None,
        eligible_read_at: None,
        occurred_at: at("10:30:00"),
        occurred_at_source: None,
        received_at: None,
        state: None,
        system: false,
        system_action: None,
        labels: Vec::new(),
        labels_added: Vec::new(),
        labels_removed: Vec::new(),
        labels_truncated: false,
        pushed: false,
        head_sha: None,
        stale: false,
    }
}

fn earlier() -> EarlierFacts {
    EarlierFacts {
        labels: BTreeMap::from([("security::high".to_owned(), 2)]),
        labels_since: BTreeMap::from([("security::low".to_owned(), at("09:10:00"))]),
        labels_at_merge: BTreeSet::from(["security::high".to_owned()]),
        approvals: vec![Approval {
            user: user(503, "wren.holloway"),
            approved_at: Some(at("11:09:00")),
        }],
        approvals_before_merge: vec![approval()],
    }
}

fn facts() -> Facts {
    Facts {
        merge_request: key(),
        trigger: trigger(),
        api: GitLabAnswer::Full(Box::new(details())),
        deadline_passed: true,
        history: vec![history_event()],
        history_truncated: true,
        earlier: earlier(),
    }
}

#[test]
fn facts_keep_their_names() {
    same_and_full("facts.json", &facts());
}

#[test]
fn facts_without_optional_values_keep_their_form() {
    let sparse = Facts {
        trigger: sparse_trigger(),
        api: GitLabAnswer::Full(Box::new(sparse_details())),
        deadline_passed: false,
        history: vec![sparse_history_event()],
        history_truncated: false,
        earlier: EarlierFacts::default(),
        ..facts()
    };
    same("facts_sparse.json", &sparse);
}

#[test]
fn every_gitlab_answer_keeps_its_names() {
    let sparse = PartialAnswer::from("404 Not Found".to_owned());
    let without_time = LabelFacts {
        merged_at: None,
        labels_now: Vec::new(),
        label_events: unknown(),
        clock_offset_seconds: 0,
    };
    let answers = vec![
        GitLabAnswer::Full(Box::new(unreadable_details())),
        GitLabAnswer::LabelsOnly(labels_read()),
        GitLabAnswer::LabelsOnly(without_time),
        GitLabAnswer::Unavailable(unread()),
        GitLabAnswer::Unavailable(sparse.clone()),
        GitLabAnswer::Denied(unread()),
        GitLabAnswer::Denied(sparse.clone()),
        GitLabAnswer::NotMerged(unread()),
        GitLabAnswer::NotMerged(sparse),
    ];
    for answer in &answers {
        // A new variant does not compile until it is added here; add it to the list above, too.
        match answer {
            GitLabAnswer::Full(_)
            | GitLabAnswer::LabelsOnly(_)
            | GitLabAnswer::Unavailable(_)
            | GitLabAnswer::Denied(_)
            | GitLabAnswer::NotMerged(_) => (),
        }
    }
    same("gitlab_answers.json", &answers);
}

#[test]
fn state_of_the_reading_itself_is_not_stored() {
    let read = PartialAnswer {
        details_read: true,
        silent: true,
        ..unread()
    };
    assert_eq!(
        serde_json::to_value(read).unwrap(),
        serde_json::to_value(unread()).unwrap()
    );
}
