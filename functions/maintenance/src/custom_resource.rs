//! Migrations as a CloudFormation custom resource: run at every deployment, and the deployment waits for the answer.

use audit::Context;
use clients::cloudformation::CustomResourceResponse;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::{JobError, Maintenance, Report};

/// The resource's identity never changes, so that an update is never followed by a deletion.
const PHYSICAL_ID: &str = "countersign-schema";

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
    ) -> Result<Report, JobError> {
        // Deleting the stack leaves the evidence where it is.
        let done = match request.request_type.as_str() {
            "Delete" => Ok(Report::default()),
            _ => self.migrate(context).await.map(|migrated| Report {
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
        self.http.respond_to_cloudformation(context, url, &response).await?;
        // The deployment knows; failing the invocation as well would only run the same migration again.
        Ok(done.unwrap_or_default())
    }
}
