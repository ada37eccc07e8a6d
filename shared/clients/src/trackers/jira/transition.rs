//! Closing an issue: by any transition of its workflow that leads to a closing status.

use audit::{Action, Context, FailureClass};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::issue::{DONE, JiraIssue, Status};
use super::{Jira, issue_target};
use crate::{Advice, CallError};

/// If a workflow has several closing statuses, these mean that the work was done, not abandoned.
const PREFERRED: [&str; 5] = ["done", "closed", "resolved", "completed", "complete"];

#[derive(Debug, Deserialize)]
struct TransitionsJson {
    transitions: Vec<Transition>,
}

#[derive(Debug, Clone, Deserialize)]
struct Transition {
    id: String,
    to: Status,
}

impl Jira {
    /// Closes the issue. A concurrent close counts as success.
    pub(super) async fn close(
        &self,
        context: &Context,
        issue: &JiraIssue,
        done_status: Option<&str>,
    ) -> Result<(), CallError> {
        let target = issue_target(&issue.key);
        let url = self.issue_url(&issue.key, Some("transitions"));
        let open: TransitionsJson = self
            .get(context, Action::JiraGetTransitions, &target, url.clone())
            .await?;
        let Some(transition) = closing(&open.transitions, done_status) else {
            return Err(no_way(issue, &open.transitions, done_status));
        };
        let body = json!({"transition": {"id": transition.id}});
        let action = Action::JiraTransitionIssue;
        let moved = self.change(context, action, &target, (Method::POST, url), &body).await;
        match moved {
            // Jira answers 400 if the transition is not available any more, and 409 if the issue is being moved right now.
            Err(error) if matches!(error.http_status, Some(400 | 409)) => {
                let now = self.issue(context, &issue.key).await?;
                if now.is_some_and(|now| now.is_closed()) {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            moved => moved,
        }
    }
}

/// The transition that closes an issue, if there is one.
fn closing<'a>(open: &'a [Transition], done_status: Option<&str>) -> Option<&'a Transition> {
    let mut closing = open
        .iter()
        .filter(|transition| transition.to.status_category.key == DONE);
    if let Some(name) = done_status {
        return closing.find(|transition| transition.to.name.eq_ignore_ascii_case(name));
    }
    let rank = |transition: &&Transition| {
        let name = transition.to.name.to_lowercase();
        PREFERRED
            .iter()
            .position(|known| *known == name)
            .unwrap_or(PREFERRED.len())
    };
    closing.min_by_key(rank)
}

fn no_way(issue: &JiraIssue, open: &[Transition], done_status: Option<&str>) -> CallError {
    let names: Vec<&str> = open.iter().map(|transition| transition.to.name.as_str()).collect();
    let wanted = done_status.map_or_else(|| "of the category done".to_owned(), |name| format!("{name:?}"));
    let ways = if names.is_empty() {
        "no transition is available; does the account have the \"Transition issues\" permission?".to_owned()
    } else {
        format!("available transitions lead to: {}", names.join(", "))
    };
    CallError {
        action: Action::JiraGetTransitions,
        class: FailureClass::InvalidResponse,
        advice: Advice::Permanent,
        sent: true,
        http_status: None,
        message: format!(
            "no transition from {:?} to a status {wanted}; {ways}",
            issue.fields.status.name
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transitions(names: &[(&str, &str)]) -> Vec<Transition> {
        let one = |(name, category): &(&str, &str)| {
            let to = json!({"name": name, "statusCategory": {"key": category}});
            serde_json::from_value(json!({"id": *name, "name": "x", "to": to})).unwrap()
        };
        names.iter().map(one).collect()
    }

    #[test]
    fn done_status_is_preferred_unless_one_is_configured() {
        let open = transitions(&[
            ("In Review", "indeterminate"),
            ("Won't Do", "done"),
            ("Closed", "done"),
            ("Done", "done"),
        ]);
        for (open, wanted, expected) in [
            (&open[..], None, Some("Done")),
            (&open[..3], None, Some("Closed")),
            (&open[..2], None, Some("Won't Do")),
            (&open[..1], None, None),
            (&open[..], Some("closed"), Some("Closed")),
            (&open[..], Some("Shipped"), None),
            (&open[..], Some("In Review"), None),
            (&[], None, None),
        ] {
            let found = closing(open, wanted).map(|transition| transition.id.as_str());
            assert_eq!(found, expected, "{wanted:?}");
        }
    }
}
