//! Marks the issue: applies what is missing. Repeating it changes nothing.

use audit::{Action, Context, FailureClass, Target};
use rules::LinearRules as Settings;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::issue::{LinearIssue, Nodes};
use super::steps::Steps;
use super::{Linear, comment, issue_target};
use crate::{Advice, CallError, MergeSummary, Tracked, TrackerOptions};

/// Colour of a created label, in Linear's format.
const COLOUR: &str = "#5e6ad2";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LabelsData {
    issue_labels: Nodes<LabelJson>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LabelJson {
    id: String,
    is_group: bool,
    team: Option<TeamJson>,
}

#[derive(Debug, Deserialize)]
struct TeamJson {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreatedLabelData {
    issue_label_create: CreatedLabelJson,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreatedLabelJson {
    issue_label: CreatedLabel,
}

#[derive(Debug, Deserialize)]
struct CreatedLabel {
    id: String,
}

impl Linear {
    /// Marks the issue of a merge: attaches the merge request, comments the decision once, labels the issue, and closes it unless
    /// the merge is an exception.
    ///
    /// # Errors
    /// [`CallError`]. A repetition after any failure only adds what is missing.
    pub async fn mark(
        &self,
        context: &Context,
        merge: &MergeSummary,
        issue: &LinearIssue,
        settings: &Settings,
        options: TrackerOptions<'_>,
    ) -> Result<Tracked, CallError> {
        let steps = Steps::of(issue, merge, settings, options.blocked_by_exception);
        let steps = steps.map_err(|_| no_completed_state(issue, settings))?;
        if steps.is_empty() {
            return Ok(Tracked::Done);
        }
        if options.read_only {
            return Ok(Tracked::Missing);
        }
        let result = self.apply(context, merge, issue, &steps, settings, options).await;
        // It existed a moment ago.
        result.map(|()| Tracked::Done).map_err(CallError::retry_if_not_found)
    }

    async fn apply(
        &self,
        context: &Context,
        merge: &MergeSummary,
        issue: &LinearIssue,
        steps: &Steps,
        settings: &Settings,
        options: TrackerOptions<'_>,
    ) -> Result<(), CallError> {
        let target = issue_target(&issue.identifier);
        if steps.attach {
            self.attach(context, &target, issue, merge).await?;
        }
        if steps.comment {
            let stays_open = merge.stays_open(&settings.tracking, options.blocked_by_exception);
            let stays_open = stays_open.filter(|_| !issue.is_closed());
            let body = comment::body(merge, options.wording, stays_open);
            self.comment(context, &target, issue, merge, &body).await?;
        }
        self.update(context, &target, issue, steps).await
    }

    async fn attach(
        &self,
        context: &Context,
        target: &Target,
        issue: &LinearIssue,
        merge: &MergeSummary,
    ) -> Result<(), CallError> {
        let query = "mutation Attach($input: AttachmentCreateInput!) { attachmentCreate(input: $input) { success } }";
        let title = format!("{} {}", merge.name(), crate::plain::line(&merge.row.title, 200));
        let variables = json!({"input": {"issueId": issue.id, "url": merge.row.web_url, "title": title}});
        let _: Value = self
            .change(context, Action::LinearCreateAttachment, target, query, &variables)
            .await?;
        Ok(())
    }

    async fn comment(
        &self,
        context: &Context,
        target: &Target,
        issue: &LinearIssue,
        merge: &MergeSummary,
        body: &str,
    ) -> Result<(), CallError> {
        let query = "mutation Comment($input: CommentCreateInput!) { commentCreate(input: $input) { success } }";
        let variables = json!({"input": {"id": comment::id(merge), "issueId": issue.id, "body": body}});
        let commented: Result<Value, _> = self
            .change(context, Action::LinearCreateComment, target, query, &variables)
            .await;
        match commented {
            // A comment with this id exists, perhaps hidden; treat it as success.
            Err(error) if error.class == FailureClass::Conflict => Ok(()),
            commented => commented.map(drop),
        }
    }

    /// State and labels in one change. Labels are added and removed one by one, so that other labels stay as they are.
    async fn update(
        &self,
        context: &Context,
        target: &Target,
        issue: &LinearIssue,
        steps: &Steps,
    ) -> Result<(), CallError> {
        let mut input = Map::new();
        if let Some(state) = &steps.state {
            input.insert("stateId".to_owned(), json!(state));
        }
        if let Some(name) = &steps.add_label {
            let label = self.label(context, issue, name).await?;
            input.insert("addedLabelIds".to_owned(), json!([label]));
        }
        if !steps.remove_labels.is_empty() {
            input.insert("removedLabelIds".to_owned(), json!(steps.remove_labels));
        }
        if input.is_empty() {
            return Ok(());
        }
        let query = "mutation Update($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }";
        let variables = json!({"id": issue.id, "input": input});
        let _: Value = self
            .change(context, Action::LinearUpdateIssue, target, query, &variables)
            .await?;
        Ok(())
    }

    /// The id of the label with this name that the issue may have: of its team, or of the whole workspace. A missing one is created
    /// for the team.
    async fn label(&self, context: &Context, issue: &LinearIssue, name: &str) -> Result<String, CallError> {
        if let Some(id) = self.known_label(context, issue, name).await? {
            return Ok(id);
        }
        let query = "mutation Label($input: IssueLabelCreateInput!) {
            issueLabelCreate(input: $input) { issueLabel { id } } }";
        let variables = json!({"input": {"name": name, "teamId": issue.team.id, "color": COLOUR}});
        let target = Target::other("linear_label", name);
        let created = self
            .change(context, Action::LinearCreateLabel, &target, query, &variables)
            .await;
        match created {
            Ok(CreatedLabelData { issue_label_create }) => Ok(issue_label_create.issue_label.id),
            // It was created concurrently.
            Err(error) if error.class == FailureClass::Conflict => {
                let known = self.known_label(context, issue, name).await?;
                known.ok_or_else(|| CallError {
                    advice: Advice::Permanent,
                    message: format!(
                        "the label {name:?} exists but cannot be added to this issue; is it a label group?"
                    ),
                    ..error
                })
            }
            Err(error) => Err(error),
        }
    }

    async fn known_label(
        &self,
        context: &Context,
        issue: &LinearIssue,
        name: &str,
    ) -> Result<Option<String>, CallError> {
        let query = "query Labels($name: String!) {
            issueLabels(filter: { name: { eqIgnoreCase: $name } }, first: 250) { nodes { id isGroup team { id } } } }";
        let target = Target::other("linear_label", name);
        let data: LabelsData = self
            .ask(
                context,
                Action::LinearFindLabels,
                &target,
                query,
                &json!({"name": name}),
            )
            .await?;
        let labels = data.issue_labels.nodes.into_iter().filter(|label| !label.is_group);
        let of_team = |label: &LabelJson| label.team.as_ref().is_none_or(|team| team.id == issue.team.id);
        let mut fitting: Vec<LabelJson> = labels.filter(of_team).collect();
        fitting.sort_by_key(|label| label.team.is_none());
        Ok(fitting.into_iter().next().map(|label| label.id))
    }
}

fn no_completed_state(issue: &LinearIssue, settings: &Settings) -> CallError {
    let names: Vec<&str> = issue
        .team
        .states
        .nodes
        .iter()
        .map(|state| state.name.as_str())
        .collect();
    let message = match &settings.completed_state {
        Some(name) => format!(
            "the team has no completed state called {name:?}; it has: {}. Correct completed_state in the rules",
            names.join(", ")
        ),
        None => "the team has no completed state; add one to its workflow".to_owned(),
    };
    CallError {
        action: Action::LinearGetIssue,
        class: FailureClass::InvalidResponse,
        advice: Advice::Permanent,
        sent: true,
        http_status: None,
        message,
    }
}
