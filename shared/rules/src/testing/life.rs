//! The history of a merge request for tests: one day, merged at noon, label and acts added by name and time of day.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{
    Approval, DiffVersion, ExceptionKind, Facts, GitLabAnswer, MergeFact, MergeRequestDetails, MergeRequestIid,
    MergeRequestKey, MergeTrigger, ProjectId, Reading, User, UserId, Verdict, VerdictOutcome,
};

use crate::{Approvers, Rules, evaluate};

pub(crate) const AUTHOR: i64 = 7;
pub(crate) const ALICE: i64 = 501;
pub(crate) const BOB: i64 = 502;
pub(crate) const OUTSIDER: i64 = 900;
pub(crate) const MERGED: &str = "12:00:00";

pub(crate) const RULES: &str = r#"
version: 1
instances:
  main: { api_url: "https://gitlab.example.com" }
labels: ["security::*", "sec/*"]
tiers:
  - { name: critical, labels: ["*critical"] }
  - { name: high, labels: ["*high"] }
  - { name: standard, labels: ["*review", "*medium"] }
  - { name: low, labels: ["*low"] }
approvers: { group_id: 4242 }
slack: { security_lead_channel: C0SECLEAD }
"#;

pub(crate) fn rules() -> Rules {
    Rules::parse(RULES).expect("the rules of the tests are right")
}

/// A time of the day of the merge.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-03-02T{time}Z").parse().expect("a time of day")
}

pub(crate) fn user(id: i64) -> User {
    let name = match id {
        AUTHOR => "author",
        ALICE => "alice",
        BOB => "bob",
        _ => "outsider",
    };
    User {
        id: UserId(id),
        username: name.to_owned(),
    }
}

/// An unlabelled merge request without approvals, merged at noon by its author.
fn merged_details() -> MergeRequestDetails {
    let merge = MergeFact {
        merged_at: at(MERGED),
        merge_user: Some(user(AUTHOR)),
        merge_commit_sha: Some("c0ffee".into()),
        squash_commit_sha: None,
        head_sha: Some("aaa".into()),
        merge_method: None,
    };
    MergeRequestDetails {
        read_at: at("12:00:02"),
        mr_id: 1003,
        title: "Rotate keys".into(),
        url: "https://gitlab.example.com/pay/api/-/merge_requests/3".into(),
        project_path: Some("pay/api".into()),
        author: user(AUTHOR),
        created_at: Some(at("06:00:00")),
        state: Some("merged".into()),
        closed_at: None,
        merge,
        labels_now: vec!["backend".into()],
        label_events: Reading::Known(Vec::new()),
        approvals: Vec::new(),
        approval_rules: Reading::Unknown("not asked for".to_owned()),
        mentions: Vec::new(),
        rule_approvers: Reading::Known(BTreeSet::new()),
        versions: Reading::Known(vec![DiffVersion {
            created_at: at("07:00:00"),
            head_sha: Some("aaa".into()),
            patch_id: Some("p0".into()),
        }]),
        reviewers: Reading::Known(Vec::new()),
        eligible_now: Reading::Known([ALICE, BOB].map(UserId).into()),
        bots: BTreeMap::new(),
        bots_unknown: BTreeSet::new(),
        committers: Reading::Unknown(model::NOT_ASKED.to_owned()),
        clock_offset_seconds: 0,
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) facts: Facts,
    pub(crate) api: MergeRequestDetails,
    pub(crate) rules: Rules,
    names: BTreeMap<i64, String>,
}

impl Life {
    /// Never labelled, not approved, merged at noon by the author.
    pub(crate) fn unlabelled() -> Self {
        let key = MergeRequestKey {
            instance: "main".into(),
            project_id: ProjectId(11),
            mr_iid: MergeRequestIid(3),
        };
        let facts = Facts {
            merge_request: key,
            trigger: MergeTrigger {
                trusted: true,
                merger: Some(user(AUTHOR)),
                merged_at: at(MERGED),
                labels: vec!["backend".into()],
                labels_unknown: false,
                mr_id: 1003,
                project_path: "pay/api".into(),
                title: "Rotate keys".into(),
                url: "https://gitlab.example.com/pay/api/-/merge_requests/3".into(),
                author_id: Some(UserId(AUTHOR)),
                head_sha: Some("aaa".into()),
                merge_commit_sha: Some("c0ffee".into()),
            },
            api: GitLabAnswer::Unavailable("not put in yet".to_owned().into()),
            deadline_passed: false,
            history: Vec::new(),
            history_truncated: false,
            earlier: model::EarlierFacts::default(),
        };
        Self {
            facts,
            api: merged_details(),
            rules: rules(),
            names: BTreeMap::new(),
        }
    }

    /// Labelled `security::high` from the beginning to the merge.
    pub(crate) fn labelled() -> Self {
        let mut life = Self::unlabelled();
        life.api.labels_now.push("security::high".into());
        life.facts.trigger.labels.push("security::high".into());
        life
    }

    pub(crate) fn user(&self, id: i64) -> User {
        self.names.get(&id).map_or_else(
            || user(id),
            |name| User {
                id: UserId(id),
                username: name.clone(),
            },
        )
    }

    pub(crate) fn named(mut self, id: i64, name: &str) -> Self {
        self.names.insert(id, name.to_owned());
        self
    }

    pub(crate) fn bot(mut self, id: i64, bot: bool) -> Self {
        self.api.bots.insert(UserId(id), bot);
        self
    }

    pub(crate) fn eligible_now(mut self, ids: &[i64]) -> Self {
        self.api.eligible_now = Reading::Known(ids.iter().copied().map(UserId).collect());
        self
    }

    pub(crate) fn members_unreadable(mut self) -> Self {
        self.api.eligible_now = Reading::Unknown("403".into());
        self
    }

    pub(crate) fn versions_unreadable(mut self) -> Self {
        self.api.versions = Reading::Unknown("404".into());
        self
    }

    pub(crate) fn version(mut self, time: &str, head: &str, patch: Option<&str>) -> Self {
        if let Reading::Known(versions) = &mut self.api.versions {
            versions.retain(|version| version.created_at >= at("09:00:00"));
            let patch_id = patch.map(str::to_owned);
            if time <= MERGED {
                self.api.merge.head_sha = Some(head.into());
            }
            versions.push(DiffVersion {
                created_at: at(time),
                head_sha: Some(head.into()),
                patch_id,
            });
        }
        self
    }

    pub(crate) fn approvers(&mut self) -> &mut Approvers {
        let approvers = self.rules.approvers_mut(&self.facts.merge_request.instance);
        approvers.expect("the rules of the tests name the instance")
    }

    pub(crate) fn excluding_committers(mut self) -> Self {
        self.approvers().exclude_committers = true;
        self
    }

    pub(crate) fn minimum(mut self, minimum: usize) -> Self {
        self.approvers().minimum = minimum;
        self
    }

    pub(crate) fn approval_rule(mut self, name: &str) -> Self {
        self.approvers().approval_rule = Some(name.to_owned());
        self
    }

    pub(crate) fn rule_approvers(mut self, ids: Option<&[i64]>) -> Self {
        self.api.rule_approvers = match ids {
            Some(ids) => Reading::Known(ids.iter().copied().map(UserId).collect()),
            None => Reading::Unknown("404".into()),
        };
        self
    }

    pub(crate) fn approved_by(mut self, id: i64, time: &str) -> Self {
        let approval = Approval {
            user: self.user(id),
            approved_at: Some(at(time)),
        };
        self.api.approvals.push(approval);
        self
    }

    pub(crate) fn approved_without_time(mut self, id: i64) -> Self {
        let approval = Approval {
            user: self.user(id),
            approved_at: None,
        };
        self.api.approvals.push(approval);
        self
    }

    pub(crate) fn committers(mut self, ids: &[i64]) -> Self {
        self.api.committers = Reading::Known(ids.iter().copied().map(UserId).collect());
        self
    }

    pub(crate) fn label_events_unreadable(mut self) -> Self {
        self.api.label_events = Reading::Unknown("403".into());
        self
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts {
            api: GitLabAnswer::Full(Box::new(self.api.clone())),
            ..self.facts.clone()
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        evaluate(&self.facts(), &self.rules)
    }

    #[track_caller]
    pub(crate) fn is_approved(&self) -> Verdict {
        let verdict = self.verdict();
        assert!(
            matches!(verdict.outcome, VerdictOutcome::Approved { .. }),
            "{verdict:#?}"
        );
        verdict
    }

    #[track_caller]
    pub(crate) fn is_exception(&self, kind: ExceptionKind) -> Verdict {
        let verdict = self.verdict();
        assert_eq!(verdict.outcome, VerdictOutcome::Exception { kind }, "{verdict:#?}");
        assert_eq!(verdict.reasons.first().map(|reason| reason.kind), Some(kind));
        verdict
    }
}
