//! Response to a CloudFormation custom resource request.

use audit::{Action, Context, Target};
use reqwest::Method;
use serde::Serialize;
use url::Url;

use crate::CallError;
use crate::error::CallProblem;
use crate::http::{Call, Http, HttpResponse};

/// What CloudFormation waits for
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomResourceResponse {
    /// `SUCCESS` or `FAILED`.
    pub status: &'static str,
    /// Why it failed, shown in the stack's events; holds no secret.
    pub reason: String,
    /// The identity of the resource. If it changes, CloudFormation deletes the former resource.
    pub physical_resource_id: String,
    /// As in the request.
    pub stack_id: String,
    /// As in the request.
    pub request_id: String,
    /// As in the request.
    pub logical_resource_id: String,
}

impl Http {
    /// Puts the answer at CloudFormation's pre-signed URL, which is a secret and appears nowhere.
    ///
    /// # Errors
    /// [`CallError`]. Repeating it is safe; without an answer the deployment waits for its timeout.
    pub async fn respond_to_cloudformation(
        &self,
        context: &Context,
        response_url: Url,
        response: &CustomResourceResponse,
    ) -> Result<(), CallError> {
        let target = Target::other("custom_resource", response.logical_resource_id.as_str());
        let get = Call::get(Action::CloudFormationRespond, context, &target, response_url);
        // No content type: the URL was signed without one.
        let body = serde_json::to_vec(response).unwrap_or_default();
        let call = Call {
            method: Method::PUT,
            body: Some(body),
            ..get
        };
        self.send(&call, |answer: &HttpResponse| {
            if answer.status < 300 {
                Ok(())
            } else {
                Err(CallProblem::from(answer))
            }
        })
        .await
    }
}

impl From<&HttpResponse> for CallProblem {
    fn from(answer: &HttpResponse) -> Self {
        answer.refusal()
    }
}
