//! Every action that this system audits, as a closed list: a typo cannot create a new one. Other services define their own names.

macro_rules! actions {
    (
        calls { $($(#[$call_doc:meta])* $call:ident = $call_text:literal,)+ }
        others { $($(#[$doc:meta])* $name:ident = $text:literal,)+ }
    ) => {
        /// What was done, by the name that users search for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$call_doc])* $call,)+
            $($(#[$doc])* $name,)+
            /// An action of a service outside of this system.
            Own(ActionName),
        }

        impl Action {
            /// Every action of this system.
            pub const ALL: &[Self] = &[$(Self::$call,)+ $(Self::$name,)+];

            /// Calls of other systems: each is announced before it is made.
            pub const CALLS: &[Self] = &[$(Self::$call,)+];

            /// The stable name in the audit log.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$call => $call_text,)+
                    $(Self::$name => $text,)+
                    Self::Own(name) => name.as_str(),
                }
            }
        }
    };
}

actions! {
    calls {
        /// `GET /projects/:id/merge_requests/:iid`.
        GitlabGetMrDetails = "gitlab.api.get_mr_details",
        /// `GET .../approvals`.
        GitlabGetMrApprovals = "gitlab.api.get_mr_approvals",
        /// `GET .../approval_state`.
        GitlabGetMrApprovalState = "gitlab.api.get_mr_approval_state",
        /// `GET .../resource_label_events`.
        GitlabGetMrLabelEvents = "gitlab.api.get_mr_label_events",
        /// `GET .../versions`.
        GitlabGetMrVersions = "gitlab.api.get_mr_versions",
        /// `GET .../reviewers`.
        GitlabGetMrReviewers = "gitlab.api.get_mr_reviewers",
        /// Who added commits to a merge request.
        GitlabGetMrCommitters = "gitlab.api.get_mr_committers",
        /// `GET /groups/:id/members`.
        GitlabGetGroupMembers = "gitlab.api.get_group_members",
        /// `GET /users/:id`.
        GitlabGetUser = "gitlab.api.get_user",
        /// `chat.postMessage`.
        SlackPostMessage = "slack.api.post_message",
        /// `chat.update`: corrects one of our messages.
        SlackUpdateMessage = "slack.api.update_message",
        /// `conversations.history`, to check whether a message is already there.
        SlackGetHistory = "slack.api.get_history",
        /// `issue`: the issue by its key.
        LinearGetIssue = "linear.api.get_issue",
        /// `attachmentsForURL`: issues that a merge request is attached to.
        LinearFindAttachments = "linear.api.find_attachments",
        /// `issueLabels`: a label by its name.
        LinearFindLabels = "linear.api.find_labels",
        /// `issueLabelCreate`.
        LinearCreateLabel = "linear.api.create_label",
        /// `issueUpdate`: state and labels.
        LinearUpdateIssue = "linear.api.update_issue",
        /// `attachmentCreate`: links the merge request to the issue.
        LinearCreateAttachment = "linear.api.create_attachment",
        /// `commentCreate`.
        LinearCreateComment = "linear.api.create_comment",
        /// `GET myself`: whether the credential is still valid.
        JiraGetMyself = "jira.api.get_myself",
        /// `GET issue/:key`.
        JiraGetIssue = "jira.api.get_issue",
        /// `PUT issue/:key`: labels.
        JiraUpdateIssue = "jira.api.update_issue",
        /// `GET issue/:key/transitions`.
        JiraGetTransitions = "jira.api.get_transitions",
        /// `POST issue/:key/transitions`.
        JiraTransitionIssue = "jira.api.transition_issue",
        /// `GET issue/:key/comment`, to check whether a comment is already there.
        JiraGetComments = "jira.api.get_comments",
        /// `POST issue/:key/comment`.
        JiraAddComment = "jira.api.add_comment",
        /// `POST issue/:key/remotelink`: links the merge request to the issue.
        JiraLinkIssue = "jira.api.link_issue",
        /// `GET spaces`: a space by its key.
        ConfluenceGetSpace = "confluence.api.get_space",
        /// `GET pages/:id`.
        ConfluenceGetPage = "confluence.api.get_page",
        /// `GET pages`: a page by its title.
        ConfluenceFindPage = "confluence.api.find_page",
        /// `POST pages`.
        ConfluenceCreatePage = "confluence.api.create_page",
        /// `PUT pages/:id`.
        ConfluenceUpdatePage = "confluence.api.update_page",
        /// `GetSecretValue`.
        SecretsManagerGetSecretValue = "secretsmanager.api.get_secret_value",
        /// `DescribeSecret`: which versions a secret has, before a step of a rotation.
        SecretsManagerDescribeSecret = "secretsmanager.api.describe_secret",
        /// `PutSecretValue`: the new value of a rotation.
        SecretsManagerPutSecretValue = "secretsmanager.api.put_secret_value",
        /// `UpdateSecretVersionStage`: makes the new value of a rotation current.
        SecretsManagerUpdateSecretVersionStage = "secretsmanager.api.update_secret_version_stage",
        /// `SendMessage`.
        SqsSendMessage = "sqs.api.send_message",
        /// `PutEvents`.
        EventBridgePutEvents = "eventbridge.api.put_events",
        /// The response to a `CloudFormation` custom resource request.
        CloudFormationRespond = "cloudformation.api.respond",
        /// Entries were posted to an HTTP destination.
        SiemPostEvents = "siem.api.post_events",
        /// Entries were sent to a syslog destination.
        SiemSendSyslog = "siem.syslog.send_events",
        /// Spans were exported to an `OpenTelemetry` collector.
        OtlpExportTraces = "otlp.api.export_traces",
    }
    others {
        /// A request to the webhook endpoint was authenticated or rejected.
        WebhookAuthVerify = "webhook.auth.verify",
        /// A delivery that is already stored arrived again.
        WebhookDeliveryDuplicate = "webhook.delivery.duplicate",
        /// An authentic delivery of unexpected shape was quarantined.
        WebhookDeliveryQuarantined = "webhook.delivery.quarantined",
        /// A request to the intake of other services' entries was authenticated or rejected.
        AuditProducerVerify = "audit.producer.verify",
        /// A comment on a merge request holds a command for a coding service.
        CopilotCommandReceived = "copilot.command.received",
        /// Commits were pushed, or a branch or tag was created or deleted.
        GitPushReceived = "git.push.received",
        /// An event of GitLab's own audit log arrived.
        GitlabAuditReceived = "gitlab.audit.received",
        /// A row of the review ledger was written.
        LedgerRecordUpsert = "ledger.record.upsert",
        /// An exception row was written.
        ExceptionRecordInsert = "exception.record.insert",
        /// An exception row changed because a later decision superseded the first.
        ExceptionRecordUpdate = "exception.record.update",
        /// Lines of an execution environment did not arrive in time: `details` names the stream and the sequence numbers.
        AuditGapDetected = "audit.gap_detected",
        /// All lines of a gap have arrived.
        AuditGapClosed = "audit.gap_closed",
        /// A call was announced but its entry is missing: the process died, or its line was lost.
        AuditIntentOpen = "audit.intent_open",
        /// A line claims to be an audit entry but is invalid.
        AuditLineQuarantined = "audit.line_quarantined",
        /// A destination permanently rejects an entry; the entry is kept, and delivery continues with the next.
        AuditDeliveryRefused = "audit.delivery_refused",
        /// A month was detached from `audit_events` because its retention period is over.
        AuditPartitionDetach = "audit.partition.detach",
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Action {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Longest name, in bytes: readers of the audit log reject longer names.
const LONGEST: usize = 128;

/// A name of the form `system.part.verb`: 1 to 128 of `a` to `z`, digits and `_`, in two or more parts separated by dots.
///
/// Make it a constant, so that an invalid name does not compile:
///
/// ```
/// use audit::{Action, ActionName};
///
/// const TASK_STARTED: Action = Action::Own(ActionName::new("copilot.task.started").unwrap());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActionName(&'static str);

impl ActionName {
    /// `None`: the name does not have that form.
    #[must_use]
    pub const fn new(name: &'static str) -> Option<Self> {
        if is_name(name) { Some(Self(name)) } else { None }
    }

    fn as_str(self) -> &'static str {
        self.0
    }
}

const fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut index, mut dots, mut part_length) = (0, 0, 0);
    while index < bytes.len() {
        match bytes[index] {
            b'.' if part_length > 0 => {
                dots += 1;
                part_length = 0;
            }
            b'a'..=b'z' | b'0'..=b'9' | b'_' => part_length += 1,
            _ => return false,
        }
        index += 1;
    }
    dots > 0 && part_length > 0 && bytes.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_parts_and_nothing_else() {
        for name in ["a.b", "copilot.task.started", "jira.api.get_issue", "v2.x_1"] {
            assert!(is_name(name), "{name:?}");
        }
        let long = format!("a.{}", "b".repeat(127));
        let refused = [
            "", "a", ".", "a.", ".a", "a..b", "A.b", "a.b c", "a.\n", "ä.b", "a.b-c", &long,
        ];
        for name in refused {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
