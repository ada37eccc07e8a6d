//! Migrations as a CloudFormation custom resource: run at every deployment, which waits for the response.

use std::time::Duration;

use audit::Context;
use clients::CallError;
use clients::cloudformation::CustomResourceResponse;
use runtime::Deadline;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use store::MigrationReport;
use url::Url;

use crate::{JobError, JobReport, Maintenance};

/// The resource's identity never changes, so that an update is never followed by a deletion.
const PHYSICAL_ID: &str = "countersign-schema";

/// Seconds before each retry: a new role may not be effective everywhere yet, a database may be failing over.
const WAITS: [u64; 5] = [2, 4, 8, 16, 30];

/// The same for the response: without one the deployment fails at its timeout.
const RESPONSE_WAITS: [u64; 4] = [1, 2, 4, 8];

/// The part of an invocation's time reserved for the response.
const RESPONSE_TIME: Duration = Duration::from_secs(40);

/// What CloudFormation sends (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html>).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomResourceRequest {
    request_type: String,
    #[serde(rename = "ResponseURL")]
    response_url: SecretString,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
}

impl Maintenance {
    pub(crate) async fn custom_resource(
        &self,
        context: &Context,
        request: CustomResourceRequest,
        deadline: &Deadline,
    ) -> Result<JobReport, JobError> {
        // Deleting the stack keeps the evidence.
        let result = match request.request_type.as_str() {
            "Delete" => Ok(JobReport::default()),
            _ => self.migrate_within(context, deadline).await.map(|migrated| JobReport {
                migrated: Some(migrated),
                ..JobReport::default()
            }),
        };
        let reason = match &result {
            Ok(report) => report.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::info!(
            request_type = request.request_type,
            reason,
            succeeded = result.is_ok(),
            "handled the deployment's schema request"
        );
        let response = CustomResourceResponse {
            status: if result.is_ok() { "SUCCESS" } else { "FAILED" },
            reason,
            physical_resource_id: PHYSICAL_ID.to_owned(),
            stack_id: request.stack_id,
            request_id: request.request_id,
            logical_resource_id: request.logical_resource_id,
        };
        let url = Url::parse(request.response_url.expose_secret()).map_err(|_| JobError::ResponseAddress)?;
        self.answer(context, &url, &response).await?;
        // The deployment has the error; a failed invocation would only run the same migration again.
        Ok(result.unwrap_or_default())
    }

    /// Migrates, retries transient errors, and ends early enough to report a timeout.
    async fn migrate_within(&self, context: &Context, deadline: &Deadline) -> Result<MigrationReport, JobError> {
        let time = deadline.remaining().saturating_sub(RESPONSE_TIME);
        let migrated = tokio::time::timeout(time, async {
            with_retries(&WAITS, JobError::is_transient, async || self.migrate(context).await).await
        });
        migrated.await.unwrap_or(Err(JobError::OutOfTime(time.as_secs())))
    }

    async fn answer(&self, context: &Context, url: &Url, response: &CustomResourceResponse) -> Result<(), CallError> {
        let respond = async || {
            let answered = self.http.respond_to_cloudformation(context, url.clone(), response);
            answered.await
        };
        with_retries(&RESPONSE_WAITS, |_| true, respond).await
    }
}

/// Retries after each of the waits, as long as the error is transient.
async fn with_retries<T, E: std::fmt::Display>(
    waits: &[u64],
    is_transient: impl Fn(&E) -> bool,
    attempt: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    for wait in waits {
        match attempt().await {
            Err(error) if is_transient(&error) => {
                tracing::warn!(error = %error, seconds = wait, "retrying the deployment's schema request");
                tokio::time::sleep(Duration::from_secs(*wait)).await;
            }
            settled => return settled,
        }
    }
    attempt().await
}
