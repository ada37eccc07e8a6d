//! Every action this system audits, as a closed list: a typo cannot make a new one.

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// What was done, as users search for it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $name,)+ }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable name in the trail.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

actions! {
    /// A request to the webhook endpoint was authenticated or refused.
    WebhookAuthVerify = "webhook.auth.verify",
    /// A delivery that is already stored arrived again.
    WebhookDeliveryDuplicate = "webhook.delivery.duplicate",
    /// An authentic delivery of unexpected shape was put into quarantine.
    WebhookDeliveryQuarantined = "webhook.delivery.quarantined",
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
    /// `GET /groups/:id/members`.
    GitlabGetGroupMembers = "gitlab.api.get_group_members",
    /// `GET /users/:id`.
    GitlabGetUser = "gitlab.api.get_user",
    /// `chat.postMessage`.
    SlackPostMessage = "slack.api.post_message",
    /// `conversations.history`, to see whether a message is already there.
    SlackGetHistory = "slack.api.get_history",
    /// `GetSecretValue`.
    SecretsManagerGetSecretValue = "secretsmanager.api.get_secret_value",
    /// `SendMessage`.
    SqsSendMessage = "sqs.api.send_message",
    /// The answer to a `CloudFormation` custom resource request.
    CloudFormationRespond = "cloudformation.api.respond",
    /// An exception row was written.
    ExceptionRecordInsert = "exception.record.insert",
    /// An exception row changed because a later finding superseded the first verdict.
    ExceptionRecordUpdate = "exception.record.update",
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
