//! Migrations as a CloudFormation custom resource: run at every deployment, which waits for the response.

use std::time::Duration;

use app::deployment::Migrated;
use audit::Context;
use clients::CallError;
use clients::cloudformation::CustomResourceResponse;
use runtime::Deadline;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::{JobError, Maintenance, Report};

/// The resource's identity never changes, so that an update is never followed by a deletion.
const PHYSICAL_ID: &str = "countersign-schema";

/// Seconds before each retry: a new role is not known everywhere yet, a database may be failing over.
const WAITS: [u64; 5] = [2, 4, 8, 16, 30];

/// The same for the response: without one the deployment waits for its time-out and fails.
const WAITS_TO_ANSWER: [u64; 4] = [1, 2, 4, 8];

/// The part of an invocation's time reserved for the response.
const TO_ANSWER: Duration = Duration::from_secs(40);

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
    ) -> Result<Report, JobError> {
        // Deleting the stack keeps the evidence.
        let done = match request.request_type.as_str() {
            "Delete" => Ok(Report::default()),
            _ => self.migrate_within(context, deadline).await.map(|migrated| Report {
                migrated: Some(migrated),
                ..Report::default()
            }),
        };
        let reason = match &done {
            Ok(report) => report.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::info!(
            request_type = request.request_type,
            reason,
            succeeded = done.is_ok(),
            "a deployment asked for the schema"
        );
        let response = CustomResourceResponse {
            status: if done.is_ok() { "SUCCESS" } else { "FAILED" },
            reason,
            physical_resource_id: PHYSICAL_ID.to_owned(),
            stack_id: request.stack_id,
            request_id: request.request_id,
            logical_resource_id: request.logical_resource_id,
        };
        let url = Url::parse(request.response_url.expose_secret()).map_err(|_| JobError::ResponseAddress)?;
        self.answer(context, &url, &response).await?;
        // The deployment has the error; a failed invocation would only run the same migration again.
        Ok(done.unwrap_or_default())
    }

    /// Migrates, retries transient errors, and ends early enough to report a timeout.
    async fn migrate_within(&self, context: &Context, deadline: &Deadline) -> Result<Migrated, JobError> {
        let time = deadline.remaining().saturating_sub(TO_ANSWER);
        let migrated = tokio::time::timeout(time, async {
            patiently(&WAITS, JobError::may_pass, async || self.migrate(context).await).await
        });
        migrated.await.unwrap_or(Err(JobError::OutOfTime(time.as_secs())))
    }

    async fn answer(&self, context: &Context, url: &Url, response: &CustomResourceResponse) -> Result<(), CallError> {
        let told = async || {
            let answered = self.http.respond_to_cloudformation(context, url.clone(), response);
            answered.await
        };
        patiently(&WAITS_TO_ANSWER, |_| true, told).await
    }
}

/// Retries after each of the waits, as long as the error is transient.
async fn patiently<T, E: std::fmt::Display>(
    waits: &[u64],
    may_pass: impl Fn(&E) -> bool,
    attempt: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    for wait in waits {
        match attempt().await {
            Err(error) if may_pass(&error) => {
                tracing::warn!(error = %error, seconds = wait, "a deployment's request is tried again");
                tokio::time::sleep(Duration::from_secs(*wait)).await;
            }
            settled => return settled,
        }
    }
    attempt().await
}
