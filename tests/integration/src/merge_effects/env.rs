//! Merges with effects at Linear, Jira, Confluence and Slack.

use std::collections::BTreeMap;

use doubles::gitlab;
use doubles::payload::MergeRequest;
use model::Effect;
use rules::Rules;
use serde_json::{Value, json};

use crate::env::{ALICE, HIGH, PROJECT, TestEnv};
use crate::function::Function;
use crate::outbox::EffectRow;

pub(super) const RULES: &str = include_str!("../../../tools/rules.yaml");
const RULES_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/rules.yaml");
/// Every kind of effect that a merge has.
pub(super) const KINDS: [&str; 4] = ["confluence_row", "jira_issue", "linear_issue", "slack_pod_confirmation"];

impl TestEnv {
    /// All that the functions call, and rules that name it.
    pub(super) async fn with_connectors() -> Self {
        let builder = Self::builder().gitlab().slack().aws().connectors().database();
        let rules = Rules::parse(RULES).unwrap();
        let env = builder.rules(rules).rules_path(RULES_PATH).build().await;
        env.put_outbound_secret(secret());
        env
    }

    /// GitLab shows it merged at noon, with this branch.
    pub(super) fn shown(&self, mr: &MergeRequest, with: impl FnOnce(&mut gitlab::MergeRequest)) {
        self.merged(mr, |shown| {
            shown.set("source_branch", "dpark/eng-123-rotate-pay-7");
            shown.set("description", "Closes PAY-7");
            with(shown);
        });
    }

    /// Delivers the merge; returns its effects by kind.
    pub(super) async fn merge(&self, mr: &MergeRequest) -> BTreeMap<&'static str, Effect> {
        let report = self.deliver_merge(mr).await;
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

    /// Runs attempts until the effect has ended, skipping each wait.
    pub(super) async fn until_ended(&self, notifier: &Function, effect: &Effect) -> EffectRow {
        for _ in 0..20 {
            self.make_due(effect.id).await;
            let row = self.attempt(notifier, effect).await;
            if !["pending", "ambiguous", "leased"].contains(&row.state.as_str()) {
                return row;
            }
        }
        panic!("effect has not ended: {:?}", self.effect_row(effect.id).await);
    }

    /// Our rows on all pages.
    pub(super) fn confluence_rows(&self) -> usize {
        let pages = self.confluence().pages();
        pages
            .values()
            .map(|page| page.body.matches("countersign-mr-").count())
            .sum()
    }

    /// The confirmations in the pods' channels.
    pub(super) fn confirmations(&self) -> Vec<doubles::slack::Message> {
        let messages = self.slack().messages().into_iter();
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
