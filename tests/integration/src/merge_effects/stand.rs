//! The notifier's environment when merges are archived: the outbox's, and doubles of Linear, Jira and Confluence.

use std::collections::BTreeMap;

use doubles::confluence::{self, ConfluenceDouble};
use doubles::gitlab;
use doubles::jira::{self, JiraDouble};
use doubles::linear::{self, LinearDouble};
use doubles::payload::MergeRequest;
use model::Effect;
use serde_json::{Value, json};

use crate::evaluation::world::{ALICE, AUTHOR, HIGH, PROJECT, World, at};
use crate::function::Function;
use crate::outbox::{Row, Stand, message};

pub(super) const RULES: &str = include_str!("../../../tools/rules.yaml");
const RULES_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/rules.yaml");
/// Every kind of effect that a merge has.
pub(super) const KINDS: [&str; 4] = ["confluence_row", "jira_issue", "linear_issue", "slack_pod_confirmation"];

pub(super) struct Archive {
    pub(super) stand: Stand,
    pub(super) linear: LinearDouble,
    pub(super) jira: JiraDouble,
    pub(super) confluence: ConfluenceDouble,
}

impl Archive {
    pub(super) async fn new() -> Self {
        let stand = Stand::around(World::with_rules(RULES).await).await;
        let archive = Self {
            stand,
            linear: linear::start().await,
            jira: jira::start().await,
            confluence: confluence::start().await,
        };
        archive.put_secret(&secret());
        archive
    }

    pub(super) fn put_secret(&self, secret: &Value) {
        self.stand
            .aws
            .put_secret("countersign/outbound", "AWSCURRENT", secret.clone());
    }

    pub(super) async fn notifier(&self) -> Function {
        self.start("notifier", &[]).await
    }

    pub(super) async fn start(&self, name: &str, more: &[(&str, &str)]) -> Function {
        let (linear, jira, confluence) = (self.linear.url(), self.jira.url(), self.confluence.url());
        let mut variables = vec![
            ("RULES_PATH", RULES_PATH),
            ("LINEAR_API_URL", linear.as_str()),
            ("JIRA_API_URL", jira.as_str()),
            ("CONFLUENCE_API_URL", confluence.as_str()),
        ];
        variables.extend(more);
        self.stand.start(name, &variables).await
    }

    /// GitLab shows it merged at noon, with this branch.
    pub(super) fn shown(&self, mr: &MergeRequest, with: impl FnOnce(&mut gitlab::MergeRequest)) {
        self.stand.world.merged(mr, |shown| {
            shown.set("source_branch", "dpark/eng-123-rotate-pay-7");
            shown.set("description", "Closes PAY-7");
            with(shown);
        });
    }

    /// Delivers the merge; returns its effects by kind.
    pub(super) async fn merge(&self, mr: &MergeRequest) -> BTreeMap<&'static str, Effect> {
        let report = self
            .stand
            .world
            .deliver(&mr.event("merge", AUTHOR, at("12:00:00")))
            .await;
        by_kind(report.effects)
    }

    /// The effects of a merge with the security team's approval.
    pub(super) async fn approved(&self, iid: u64) -> BTreeMap<&'static str, Effect> {
        let mr = labelled(iid);
        self.shown(&mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
        self.merge(&mr).await
    }

    /// The effects of a merge without approval.
    pub(super) async fn unapproved(&self, iid: u64) -> BTreeMap<&'static str, Effect> {
        let mr = labelled(iid);
        self.shown(&mr, |_| ());
        self.merge(&mr).await
    }

    pub(super) async fn attempt(&self, notifier: &Function, effect: &Effect) -> Row {
        self.stand.attempt(notifier, effect).await
    }

    /// Runs attempts until the effect has ended, skipping each wait.
    pub(super) async fn until_ended(&self, notifier: &Function, effect: &Effect) -> Row {
        for _ in 0..20 {
            self.stand.make_due(effect.id).await;
            let attempts = self.stand.row(effect.id).await.attempts;
            self.stand.done(notifier, message(effect, attempts)).await;
            let row = self.stand.row(effect.id).await;
            if !["pending", "ambiguous", "leased"].contains(&row.state.as_str()) {
                return row;
            }
        }
        panic!("effect has not ended: {:?}", self.stand.row(effect.id).await);
    }

    /// Our rows on all pages.
    pub(super) fn rows(&self) -> usize {
        let pages = self.confluence.pages();
        pages
            .values()
            .map(|page| page.body.matches("countersign-mr-").count())
            .sum()
    }

    /// The confirmations in the pods' channels.
    pub(super) fn confirmations(&self) -> Vec<doubles::slack::Message> {
        let messages = self.stand.slack.messages().into_iter();
        messages
            .filter(|message| message.channel.starts_with("C0POD"))
            .collect()
    }
}

pub(super) fn labelled(iid: u64) -> MergeRequest {
    MergeRequest::new(PROJECT, iid, HIGH)
}

/// The outbound secret with all its parts.
pub(super) fn secret() -> Value {
    json!({
        "gitlab": {"main": {"token": "glpat-test"}},
        "slack": {"bot_token": "xoxb-test"},
        "linear": {"api_key": "lin_api_test"},
        "jira": {"email": "countersign@example.com", "api_token": "jira-test"},
        "confluence": {"email": "countersign@example.com", "api_token": "confluence-test"},
    })
}

pub(super) fn by_kind(effects: Vec<Effect>) -> BTreeMap<&'static str, Effect> {
    let count = effects.len();
    let kinds: BTreeMap<_, _> = effects
        .into_iter()
        .map(|effect| (effect.kind.as_str(), effect))
        .collect();
    assert_eq!(kinds.len(), count, "one effect of each kind");
    kinds
}
