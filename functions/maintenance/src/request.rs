//! Requests to the function: from the schedule, an operator, or a deployment.

use model::codes;
use serde::{Deserialize, Serialize};

use crate::{CustomResourceRequest, RotationRequest};

codes! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Job {
        /// Migrate the database to the schema of this version.
        Migrate = "migrate",
        /// Retry verdicts that wait for GitLab.
        PendingEvaluations = "pending_evaluations",
        /// Enqueue effects that are due.
        RelayEffects = "relay_effects",
        /// Create audit partitions for the coming months.
        AuditPartitions = "audit_partitions",
        /// Detach the months of audit entries whose retention period is over.
        AuditRetention = "audit_retention",
        OperatorRequests = "operator_requests",
    }
}

/// A job by its name in the event. During a deployment the schedules of a newer version may already call this one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum NamedJob {
    /// This version knows it.
    Known(Job),
    /// A newer version may; it is skipped.
    Unknown(String),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum MaintenanceRequest {
    /// `{"jobs": ["audit_partitions", "audit_retention"]}`: executed in this order.
    Jobs { jobs: Vec<NamedJob> },
    /// CloudFormation's custom resource: migrations as part of a deployment.
    CustomResource(Box<CustomResourceRequest>),
    /// Secrets Manager's request: a step of the rotation of the application's database login.
    Rotation(RotationRequest),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schedule_cloudformation_and_rotation_requests_are_distinguished() {
        let jobs: MaintenanceRequest =
            serde_json::from_value(json!({"jobs": ["pending_evaluations", "relay_effects"]})).unwrap();
        let expected = [Job::PendingEvaluations, Job::RelayEffects].map(NamedJob::Known);
        assert!(matches!(jobs, MaintenanceRequest::Jobs { jobs } if jobs == expected));
        let request = json!({
            "RequestType": "Create", "ResponseURL": "https://bucket.s3.example/x?Signature=y", "StackId": "s", "RequestId": "r",
            "LogicalResourceId": "Migrations", "ResourceType": "Custom::Migrations", "ResourceProperties": {"Code": "1"},
        });
        assert!(matches!(
            serde_json::from_value(request).unwrap(),
            MaintenanceRequest::CustomResource(_)
        ));
        let request = json!({
            "Step": "createSecret", "SecretId": "arn:aws:secretsmanager:eu-central-1:1:secret:x", "ClientRequestToken": "t",
            "RotationToken": "r",
        });
        assert!(matches!(
            serde_json::from_value(request).unwrap(),
            MaintenanceRequest::Rotation(_)
        ));
    }

    #[test]
    fn a_job_is_called_as_in_the_event() {
        for job in [
            Job::Migrate,
            Job::PendingEvaluations,
            Job::RelayEffects,
            Job::AuditPartitions,
            Job::AuditRetention,
            Job::OperatorRequests,
        ] {
            assert_eq!(json!(job), json!(job.as_str()));
        }
    }

    #[test]
    fn an_unknown_job_leaves_the_others_readable() {
        let jobs: MaintenanceRequest = serde_json::from_value(json!({"jobs": ["seal_moon", "relay_effects"]})).unwrap();
        let expected = [
            NamedJob::Unknown("seal_moon".to_owned()),
            NamedJob::Known(Job::RelayEffects),
        ];
        assert!(matches!(jobs, MaintenanceRequest::Jobs { jobs } if jobs == expected));
        assert!(serde_json::from_value::<MaintenanceRequest>(json!({"jobs": [7]})).is_err());
    }
}
