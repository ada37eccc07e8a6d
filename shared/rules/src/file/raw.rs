//! The rules file as written, and the checks that turn it into [`Rules`].

mod approvers;
mod connectors;
mod pods;
mod sla;

use std::collections::BTreeMap;

use model::ExceptionKind;
use serde::Deserialize;
use serde_saphyr::Spanned;

use self::approvers::RawApprovers;
use self::connectors::{RawConfluence, RawJira, RawLinear};
use self::pods::RawPod;
use self::sla::RawSla;
use super::{Form, Instance, Rules, RulesError, SlackRules, Wording};
use crate::{LabelPattern, Sla, Tier};

/// Text in the template that a deployment must replace.
const PLACEHOLDER_TEXT: &str = "CHANGE_ME";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<u32>,
    instances: RawInstances,
    labels: Vec<Spanned<String>>,
    tiers: Vec<RawTier>,
    #[serde(default)]
    approvers: Option<Spanned<RawApprovers>>,
    #[serde(default)]
    verify_deadline_minutes: Option<Spanned<u32>>,
    #[serde(default)]
    sla: Option<Spanned<RawSla>>,
    slack: RawSlack,
    #[serde(default)]
    linear: Option<RawLinear>,
    #[serde(default)]
    jira: Option<RawJira>,
    #[serde(default)]
    confluence: Option<Spanned<RawConfluence>>,
}

type RawInstances = BTreeMap<String, Spanned<RawInstance>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInstance {
    api_url: Spanned<String>,
    #[serde(default)]
    approvers: Option<Spanned<RawApprovers>>,
    #[serde(default)]
    pods: Vec<Spanned<RawPod>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTier {
    name: Spanned<String>,
    labels: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSlack {
    security_lead_channel: Spanned<String>,
    #[serde(default)]
    headline: Option<Spanned<String>>,
    #[serde(default)]
    advice: Option<Spanned<String>>,
    #[serde(default)]
    why: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pods: Vec<Spanned<RawPod>>,
    #[serde(default)]
    pod_fallback_channel: Option<Spanned<String>>,
}

/// Problems found so far, each with its line.
#[derive(Default)]
struct Problems {
    refused: Vec<String>,
    placeholders: Vec<String>,
}

impl Problems {
    fn refuse<T>(&mut self, at: &Spanned<T>, why: &str) {
        self.refused.push(format!("  line {}: {why}", at.referenced.line()));
    }

    fn placeholder<T>(&mut self, at: &Spanned<T>, why: &str) {
        self.placeholders
            .push(format!("  line {}: {why}", at.referenced.line()));
    }

    /// A text that must be neither blank nor a placeholder.
    fn text(&mut self, field: &str, value: &Spanned<String>) -> String {
        if value.value.contains(PLACEHOLDER_TEXT) {
            self.placeholder(value, &format!("{field} is still {PLACEHOLDER_TEXT}"));
        } else if value.value.trim().is_empty() {
            self.refuse(value, &format!("{field} is blank"));
        }
        value.value.trim().to_owned()
    }

    fn address(&mut self, field: &str, value: &Spanned<String>) -> String {
        let address = self.text(field, value).trim_end_matches('/').to_owned();
        if !address.contains(PLACEHOLDER_TEXT) && !address.starts_with("https://") {
            self.refuse(value, &format!("{field} must begin with https://"));
        }
        address
    }

    /// The id of a Slack channel.
    fn channel(&mut self, field: &str, value: &Spanned<String>) -> String {
        let channel = self.text(field, value);
        let mut rest = channel.bytes();
        let is_id =
            channel.starts_with(['C', 'G', 'D']) && rest.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_id && channel != PLACEHOLDER_TEXT {
            self.refuse(
                value,
                &format!("{field} must be a channel id such as C0123456789, not a name"),
            );
        }
        channel
    }

    fn patterns(&mut self, field: &str, raw: &[Spanned<String>]) -> Vec<LabelPattern> {
        let mut patterns = Vec::new();
        for each in raw {
            match LabelPattern::new(&each.value) {
                Some(pattern) => patterns.push(pattern),
                None => self.refuse(
                    each,
                    &format!("{field}: {:?} would match every label or none", each.value),
                ),
            }
        }
        patterns
    }
}

pub(super) fn parse(text: &str, hash: String, form: Form) -> Result<Rules, RulesError> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| RulesError::Refused(vec![unreadable(&error)]))?;
    let mut problems = Problems::default();
    if file.version.value != 1 {
        problems.refuse(&file.version, "version must be 1");
    }
    let tiers = tiers(&mut problems, file.tiers);
    let sla = file
        .sla
        .map_or_else(Sla::default, |raw| sla::checked(&mut problems, raw, &tiers));
    let approvers = approvers::by_instance(&mut problems, form, file.approvers.as_ref(), &file.instances);
    let fallback = file.slack.pod_fallback_channel.as_ref();
    let pods = pods::by_instance(&mut problems, form, &file.slack.pods, fallback, &file.instances);
    let rules = Rules {
        hash,
        instances: instances(&mut problems, &file.instances),
        labels: problems.patterns("labels", &file.labels),
        tiers,
        approvers,
        verify_deadline_minutes: deadline(&mut problems, file.verify_deadline_minutes),
        sla,
        slack: slack(&mut problems, file.slack),
        pods,
        linear: file.linear.map(|raw| connectors::linear(&mut problems, raw)),
        jira: file.jira.map(|raw| connectors::jira(&mut problems, raw)),
        confluence: file.confluence.map(|raw| connectors::confluence(&mut problems, &raw)),
        source: text.to_owned(),
    };
    if file.labels.is_empty() {
        problems
            .refused
            .push("  labels: at least one pattern is needed, or no merge request would ever match".to_owned());
    }
    if form == Form::Stored {
        problems.placeholders.clear();
    }
    match problems {
        Problems { refused, placeholders } if refused.is_empty() && placeholders.is_empty() => Ok(rules),
        Problems { refused, placeholders } if refused.is_empty() => Err(RulesError::Placeholders(placeholders)),
        Problems { refused, placeholders } => {
            Err(RulesError::Refused(refused.into_iter().chain(placeholders).collect()))
        }
    }
}

/// The parser's error on one line, with its position.
fn unreadable(error: &serde_saphyr::Error) -> String {
    let text = error
        .without_snippet()
        .render_with_formatter(&serde_saphyr::UserMessageFormatter);
    match error.location() {
        Some(location) => format!(
            "  line {}: {}",
            location.line(),
            text.lines().next().unwrap_or("not YAML")
        ),
        None => format!("  {}", text.lines().next().unwrap_or("not YAML")),
    }
}

fn instances(problems: &mut Problems, raw: &RawInstances) -> BTreeMap<String, Instance> {
    if raw.is_empty() {
        problems
            .refused
            .push("  instances: at least one GitLab instance is needed".to_owned());
    }
    raw.iter()
        .map(|(name, instance)| {
            let api_url = problems.address("api_url", &instance.value.api_url);
            (name.clone(), Instance { api_url })
        })
        .collect()
}

fn tiers(problems: &mut Problems, raw: Vec<RawTier>) -> Vec<Tier> {
    raw.into_iter()
        .map(|tier| Tier {
            name: problems.text("tier name", &tier.name),
            labels: problems.patterns("tier labels", &tier.labels),
        })
        .collect()
}

fn deadline(problems: &mut Problems, raw: Option<Spanned<u32>>) -> u32 {
    let Some(minutes) = raw else { return 15 };
    if !(1..=1440).contains(&minutes.value) {
        problems.refuse(&minutes, "verify_deadline_minutes must be between 1 and 1440");
    }
    minutes.value
}

fn slack(problems: &mut Problems, raw: RawSlack) -> SlackRules {
    let channel = problems.channel("security_lead_channel", &raw.security_lead_channel);
    let default = Wording::default();
    let mut why = BTreeMap::new();
    for (code, text) in &raw.why {
        match ExceptionKind::parse(code) {
            Some(kind) => drop(why.insert(kind, problems.text("why", text))),
            None => problems.refuse(text, &format!("why: {code:?} is not a kind of exception")),
        }
    }
    SlackRules {
        security_lead_channel: channel,
        wording: Wording {
            headline: raw
                .headline
                .map_or(default.headline, |text| problems.text("headline", &text)),
            advice: raw.advice.map_or(default.advice, |text| problems.text("advice", &text)),
            why,
        },
    }
}
