//! A sample merge that is reported to other systems, and their configuration.

use clients::{AtlassianCredential, CallError, MergeSummary, Tracked, TrackerOptions, jira, linear};
use doubles::confluence::Page;
use model::{
    ApprovalSeen, EvidenceRef, ExceptionKind, IssueMention, LedgerDecision, LedgerMerge, LedgerRow, MentionPlace,
    Proof, Review, Reviewer, User, UserId, Verdict, VerdictOutcome,
};
use rules::{AuditPage, ConfluenceRules, JiraRules, LinearRules, Tracking, Wording};
use uuid::Uuid;

use super::env::{context, key};

pub(super) const MERGE_REQUEST: &str = "https://gitlab.example.com/payments/gateway/-/merge_requests/12";
pub(super) const API_KEY: &str = "lin_api_TopSecret0123456789";
pub(super) const EMAIL: &str = "countersign@example.com";
pub(super) const API_TOKEN: &str = "ATATT-TopSecret-0123456789";

fn user(id: i64, username: &str) -> User {
    User {
        id: UserId(id),
        username: username.to_owned(),
    }
}

/// `payments/gateway!12` with the security team's approval; its branch names this issue.
pub(crate) fn approved(issue: &str) -> MergeSummary {
    let seen = ApprovalSeen {
        user: user(501, "sec-alice"),
        approved_at: Some("2026-03-02T10:00:00.250Z".parse().unwrap()),
        in_api: true,
        in_history: true,
        against: Vec::new(),
    };
    MergeSummary {
        reference: Uuid::from_u128(0x0195_a000_0000_7000_8000_0000_0000_0e01),
        row: row(),
        verdict: Verdict {
            outcome: VerdictOutcome::Approved { proof: Proof::Both },
            reasons: Vec::new(),
            notes: Vec::new(),
            approvals: vec![seen],
            security_labels: vec!["security::high".to_owned()],
            risk_tier: "high".to_owned(),
        },
        decision_id: Uuid::from_u128(0x0195_a000_0000_7000_8000_0000_0000_0d01),
        decided_at: "2026-03-02T12:00:02Z".parse().unwrap(),
        evidence: Some(EvidenceRef {
            id: Uuid::from_u128(0x0195_a000_0000_7000_8000_0000_0000_0f01),
            sha256: "ab".repeat(32),
        }),
        exception_id: None,
        mentions: vec![mention(MentionPlace::Branch, issue)],
        earlier_issue: None,
        is_correction: false,
        is_confirmed: true,
    }
}

/// The same without any approval.
pub(crate) fn exception(issue: &str) -> MergeSummary {
    let approved = approved(issue);
    MergeSummary {
        verdict: Verdict {
            outcome: VerdictOutcome::Exception {
                kind: ExceptionKind::NoApproval,
            },
            approvals: Vec::new(),
            ..approved.verdict
        },
        exception_id: Some(Uuid::from_u128(0x0195_a000_0000_7000_8000_0000_0000_0c01)),
        ..approved
    }
}

/// The same verdict as a correction of the one reported before.
pub(crate) fn correcting(merge: MergeSummary) -> MergeSummary {
    MergeSummary {
        reference: Uuid::from_u128(merge.reference.as_u128() + 1),
        decision_id: Uuid::from_u128(merge.decision_id.as_u128() + 1),
        is_correction: true,
        ..merge
    }
}

/// The same for another merge request.
pub(crate) fn numbered(iid: i64, issue: &str) -> MergeSummary {
    let mut merge = approved(issue);
    merge.row.merge_request.mr_iid = model::MergeRequestIid(iid);
    merge.row.web_url = format!("https://gitlab.example.com/payments/gateway/-/merge_requests/{iid}");
    merge.reference = Uuid::from_u128(u128::from(iid.unsigned_abs()));
    merge.decision_id = Uuid::from_u128(u128::from(iid.unsigned_abs()) << 32);
    merge
}

pub(crate) fn mention(place: MentionPlace, key: &str) -> IssueMention {
    IssueMention {
        place,
        key: key.to_owned(),
    }
}

fn row() -> LedgerRow {
    LedgerRow {
        merge_request: key(),
        mr_id: 77_012,
        project_path: "payments/gateway".to_owned(),
        title: "Rotate the <signing> keys".to_owned(),
        web_url: MERGE_REQUEST.to_owned(),
        author: Some(user(601, "dpark")),
        reviewers: vec![Reviewer {
            user: user(501, "sec-alice"),
            state: Some("approved".to_owned()),
        }],
        review: Review {
            decision: Some(LedgerDecision::Merged),
            decided_at: None,
            deciding_reviewer: None,
            labels: vec!["security::high".to_owned()],
            risk_tier: "high".to_owned(),
            labelled_at: None,
            approved_at: None,
            time_unknown: None,
            service_level: None,
            proof: None,
            notes: Vec::new(),
        },
        merge: Some(LedgerMerge {
            by: Some(user(601, "dpark")),
            method: None,
            at: "2026-03-02T12:00:00Z".parse().unwrap(),
            commit_sha: Some("5e".repeat(20)),
        }),
        head_sha: None,
        rules_hash: "a".repeat(64),
        decision_id: None,
        evidence: None,
        read_at: None,
        correlation_id: Uuid::nil(),
    }
}

fn tracking(prefix: &str) -> Tracking {
    Tracking {
        prefixes: vec![prefix.to_owned()],
        audited_label: "audited".to_owned(),
        exception_label: "audit-exception".to_owned(),
        close_exceptions: false,
    }
}

pub(crate) fn linear() -> LinearRules {
    LinearRules {
        tracking: tracking("ENG"),
        completed_state: None,
    }
}

pub(crate) fn jira() -> JiraRules {
    JiraRules {
        base_url: String::new(),
        tracking: tracking("PAY"),
        done_status: None,
    }
}

pub(crate) fn confluence() -> ConfluenceRules {
    ConfluenceRules {
        base_url: String::new(),
        page: AuditPage::Titled {
            space: "SEC".to_owned(),
            title: "Security review audit".to_owned(),
            parent_id: None,
        },
        page_limit_bytes: 512 * 1024,
    }
}

/// The audit page as created by a person, without a table.
pub(crate) fn audit_page() -> Page {
    Page {
        title: "Security review audit".to_owned(),
        space_id: "98304".to_owned(),
        body: "<p>Ours&nbsp;since 2026</p>".to_owned(),
        version: 1,
        ..Page::default()
    }
}

pub(crate) fn linear_key() -> linear::LinearCredential {
    linear::LinearCredential::ApiKey(API_KEY.into())
}

pub(crate) fn api_token() -> AtlassianCredential {
    AtlassianCredential::ApiToken {
        email: EMAIL.to_owned(),
        api_token: API_TOKEN.into(),
    }
}

/// The result of marking an issue, with its key; `None`: there is no issue.
pub(crate) type Marked = Result<Option<(String, Tracked)>, CallError>;

/// Marks the issue, or only reads it.
pub(crate) async fn mark_in_linear(
    client: &linear::Linear,
    merge: &MergeSummary,
    settings: &LinearRules,
    read_only: bool,
) -> Marked {
    let options = TrackerOptions {
        wording: &Wording::default(),
        blocked_by_exception: false,
        read_only,
    };
    let Some(issue) = client.find(&context(), merge, &settings.tracking).await? else {
        return Ok(None);
    };
    let tracked = client.mark(&context(), merge, &issue, settings, options).await?;
    Ok(Some((issue.key().to_owned(), tracked)))
}

/// The same in Jira.
pub(crate) async fn mark_in_jira(
    client: &jira::Jira,
    merge: &MergeSummary,
    settings: &JiraRules,
    read_only: bool,
) -> Marked {
    let options = TrackerOptions {
        wording: &Wording::default(),
        blocked_by_exception: false,
        read_only,
    };
    let Some(issue) = client.find(&context(), merge, &settings.tracking).await? else {
        return Ok(None);
    };
    let tracked = client.mark(&context(), merge, &issue, settings, options).await?;
    Ok(Some((issue.key().to_owned(), tracked)))
}
