//! Reading a secret's value.

use audit::{Action, Context, FailureClass, Target};
use futures::future::BoxFuture;
use secrecy::SecretString;
use trace::SpanKind;

use super::call::AwsCall;
use super::{AwsError, Clients};
use crate::secrets::{SecretSource, Stage};

/// Secrets Manager. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Secrets {
    pub(super) clients: Clients,
}

impl Secrets {
    /// Secrets Manager through `clients`.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        Self {
            clients: clients.clone(),
        }
    }

    /// The value of `secret_id` (name or ARN) at `stage`, or `None` if that stage is empty, the normal state of every stage but the
    /// current one. Ends within five seconds, retries included, and leaves one audit entry.
    ///
    /// # Errors
    /// If the value could not be read; also if there is no secret with that id, or no current value (`GetSecretValue` has the same
    /// answer for both).
    pub async fn get(
        &self,
        context: &Context,
        secret_id: &str,
        stage: Stage,
    ) -> Result<Option<SecretString>, AwsError> {
        let target = Target::other("secret", secret_id);
        let mut call = AwsCall::begin(
            &self.clients,
            SpanKind::Client,
            context,
            Action::SecretsManagerGetSecretValue,
            target,
        );
        call.detail("stage", stage.as_str());
        let answer = self
            .clients
            .secrets_manager
            .get_secret_value()
            .secret_id(secret_id)
            .version_stage(stage.as_str())
            .customize()
            .interceptor(call.attempts())
            .send()
            .await;
        let value = match answer {
            Ok(answer) => answer
                .secret_string
                .map(SecretString::from)
                .map(Some)
                .ok_or_else(|| AwsError::unreadable("GetSecretValue")),
            Err(error) => match AwsError::of("GetSecretValue", &error) {
                error if error.class() == FailureClass::NotFound && stage != Stage::Current => Ok(None),
                error => Err(error),
            },
        };
        if let Ok(None) = value {
            call.detail("absent", true);
        }
        call.end(value.as_ref().err());
        value
    }
}

impl SecretSource for Secrets {
    fn get<'a>(
        &'a self,
        context: &'a Context,
        secret_id: &'a str,
        stage: Stage,
    ) -> BoxFuture<'a, Result<Option<SecretString>, AwsError>> {
        Box::pin(self.get(context, secret_id, stage))
    }
}
