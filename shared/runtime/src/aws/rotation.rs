//! The calls of a rotation function to its secret
//! (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>).

use audit::{Action, Context, Target};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use secrecy::{ExposeSecret as _, SecretString};
use trace::SpanKind;

use super::call::AwsCall;
use super::{AwsError, Secrets};
use crate::secrets::Stage;

/// The stage of a secret's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// It is the current one.
    pub is_current: bool,
    /// It will become the current one.
    pub is_pending: bool,
    /// The id of the current version.
    pub current: Option<String>,
}

impl Secrets {
    /// The stage of version `version` of `secret_id`.
    ///
    /// # Errors
    /// If the request failed; also if there is no secret with that id.
    pub async fn version(&self, context: &Context, secret_id: &str, version: &str) -> Result<Version, AwsError> {
        let call = self.begin(context, Action::SecretsManagerDescribeSecret, secret_id);
        let request = self.clients.secrets_manager.describe_secret().secret_id(secret_id);
        let answer = request.customize().interceptor(call.attempts()).send().await;
        // A secret without any version has nothing to rotate.
        let found = answer
            .map_err(|error| AwsError::of("DescribeSecret", &error))
            .and_then(|answer| {
                let stages = answer.version_ids_to_stages;
                stages.ok_or_else(|| AwsError::unreadable("DescribeSecret"))
            })
            .map(|stages| {
                let has = |id: &str, stage: Stage| {
                    let known = stages.get(id).into_iter().flatten();
                    known.into_iter().any(|label| label == stage.as_str())
                };
                Version {
                    is_current: has(version, Stage::Current),
                    is_pending: has(version, Stage::Pending),
                    current: stages.keys().find(|id| has(id, Stage::Current)).cloned(),
                }
            });
        call.end(found.as_ref().err());
        found
    }

    /// Stores a value beside the current one, as version `version`. Repeating it with the same value changes nothing.
    ///
    /// # Errors
    /// If the value was rejected; also if the version exists with another value.
    pub async fn put_pending(
        &self,
        context: &Context,
        secret_id: &str,
        version: &str,
        value: &SecretString,
    ) -> Result<(), AwsError> {
        let mut call = self.begin(context, Action::SecretsManagerPutSecretValue, secret_id);
        call.detail("stage", Stage::Pending.as_str());
        let request = self.clients.secrets_manager.put_secret_value().secret_id(secret_id);
        let request = request
            .client_request_token(version)
            .secret_string(value.expose_secret())
            .version_stages(Stage::Pending.as_str());
        let answer = request.customize().interceptor(call.attempts()).send().await;
        let put = confirmed("PutSecretValue", answer, |answer| answer.version_id.is_some());
        call.end(put.as_ref().err());
        put
    }

    /// Makes version `version` the current one; the former current one becomes the previous one.
    ///
    /// # Errors
    /// If the labels were not moved.
    pub async fn promote(
        &self,
        context: &Context,
        secret_id: &str,
        version: &str,
        current: Option<&str>,
    ) -> Result<(), AwsError> {
        let mut call = self.begin(context, Action::SecretsManagerUpdateSecretVersionStage, secret_id);
        call.detail("stage", Stage::Current.as_str());
        let request = self.clients.secrets_manager.update_secret_version_stage();
        let request = request
            .secret_id(secret_id)
            .version_stage(Stage::Current.as_str())
            .move_to_version_id(version)
            .set_remove_from_version_id(current.map(str::to_owned));
        let answer = request.customize().interceptor(call.attempts()).send().await;
        let moved = confirmed("UpdateSecretVersionStage", answer, |answer| answer.arn.is_some());
        call.end(moved.as_ref().err());
        moved
    }

    fn begin<'a>(&'a self, context: &'a Context, action: Action, secret_id: &str) -> AwsCall<'a> {
        let target = Target::other("secret", secret_id);
        AwsCall::begin(&self.clients, SpanKind::Client, context, action, target)
    }
}

/// An answer without the expected name is not a confirmation, regardless of its status.
fn confirmed<T, E: ProvideErrorMetadata>(
    operation: &'static str,
    answer: Result<T, SdkError<E, HttpResponse>>,
    names_it: impl FnOnce(&T) -> bool,
) -> Result<(), AwsError> {
    match answer {
        Ok(answer) if names_it(&answer) => Ok(()),
        Ok(_) => Err(AwsError::unreadable(operation)),
        Err(error) => Err(AwsError::of(operation, &error)),
    }
}
