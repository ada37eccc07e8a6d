//! What the function is asked to do: by the schedule, by a person, or by a deployment.

use serde::{Deserialize, Serialize};

use crate::CustomResourceRequest;

/// One job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Bring the database to the schema of this version.
    Migrate,
    /// Try again the verdicts that wait for GitLab.
    PendingEvaluations,
    /// Enqueue effects that are due.
    RelayEffects,
}

/// The function's event.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Request {
    /// `{"jobs": ["pending_evaluations", "relay_effects"]}`: done in this order.
    Jobs {
        /// The jobs.
        jobs: Vec<Job>,
    },
    /// CloudFormation's custom resource: migrations as part of a deployment.
    CustomResource(Box<CustomResourceRequest>),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_schedules_input_and_cloudformations_request_are_told_apart() {
        let jobs: Request = serde_json::from_value(json!({"jobs": ["pending_evaluations", "relay_effects"]})).unwrap();
        assert!(matches!(jobs, Request::Jobs { jobs } if jobs == [Job::PendingEvaluations, Job::RelayEffects]));
        let request = json!({
            "RequestType": "Create", "ResponseURL": "https://bucket.s3.example/x?Signature=y", "StackId": "s", "RequestId": "r",
            "LogicalResourceId": "Migrations", "ResourceType": "Custom::Migrations", "ResourceProperties": {"Code": "1"},
        });
        assert!(matches!(
            serde_json::from_value(request).unwrap(),
            Request::CustomResource(_)
        ));
    }

    #[test]
    fn an_unknown_job_is_refused() {
        assert!(serde_json::from_value::<Request>(json!({"jobs": ["drop_tables"]})).is_err());
    }
}
