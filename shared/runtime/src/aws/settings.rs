//! Region, credentials and endpoints, from the variables Lambda sets
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>).

use aws_credential_types::Credentials;
use aws_sdk_sqs::config::Region;
use url::Url;

use crate::config::Environment;

/// Endpoints, region and credentials. The credentials of an execution environment outlive it, so they are read once.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    region: String,
    credentials: Credentials,
    sqs_endpoint: Option<Url>,
    secrets_manager_endpoint: Option<Url>,
    eventbridge_endpoint: Option<Url>,
}

impl AwsSettings {
    /// `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`; and the SDKs' usual
    /// `AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL_SECRETS_MANAGER`, `AWS_ENDPOINT_URL_EVENTBRIDGE` and, for all, `AWS_ENDPOINT_URL`
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
    #[must_use]
    pub fn from_environment(env: &mut Environment) -> Self {
        let region = env.required("AWS_REGION");
        let key_id = env.required("AWS_ACCESS_KEY_ID");
        let secret_key = env.required("AWS_SECRET_ACCESS_KEY");
        let session_token = env.optional("AWS_SESSION_TOKEN");
        let endpoint = env.url("AWS_ENDPOINT_URL");
        Self {
            region,
            credentials: Credentials::new(key_id, secret_key, session_token, None, "environment"),
            sqs_endpoint: env.url("AWS_ENDPOINT_URL_SQS").or_else(|| endpoint.clone()),
            secrets_manager_endpoint: env.url("AWS_ENDPOINT_URL_SECRETS_MANAGER").or_else(|| endpoint.clone()),
            eventbridge_endpoint: env.url("AWS_ENDPOINT_URL_EVENTBRIDGE").or(endpoint),
        }
    }

    pub(super) fn region(&self) -> Region {
        Region::new(self.region.clone())
    }

    pub(super) fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    pub(super) fn sqs_endpoint(&self) -> Option<&str> {
        self.sqs_endpoint.as_ref().map(Url::as_str)
    }

    pub(super) fn eventbridge_endpoint(&self) -> Option<&str> {
        self.eventbridge_endpoint.as_ref().map(Url::as_str)
    }

    pub(super) fn secrets_manager_endpoint(&self) -> Option<&str> {
        self.secrets_manager_endpoint.as_ref().map(Url::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: (&str, &str) = ("AWS_REGION", "eu-west-1");
    const KEY: (&str, &str) = ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    const SECRET: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "hunter2");

    #[test]
    fn service_endpoint_precedes_the_common_one() {
        let common = ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
        let own = ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9324");
        let mut env = Environment::from_pairs([REGION, KEY, SECRET, common, own]);
        let settings = AwsSettings::from_environment(&mut env);
        assert_eq!(env.finish(), Ok(()));
        assert_eq!(settings.sqs_endpoint(), Some("http://127.0.0.1:9324/"));
        assert_eq!(settings.secrets_manager_endpoint(), Some("http://127.0.0.1:4566/"));
    }

    #[test]
    fn without_an_endpoint_the_region_decides() {
        let settings = AwsSettings::from_environment(&mut Environment::from_pairs([REGION, KEY, SECRET]));
        assert_eq!(settings.sqs_endpoint(), None);
        assert_eq!(settings.region().as_ref(), "eu-west-1");
    }

    #[test]
    fn missing_settings_are_named_and_secrets_hidden() {
        let mut env = Environment::from_pairs([SECRET, ("AWS_SESSION_TOKEN", "hunter3")]);
        let shown = format!("{:?}", AwsSettings::from_environment(&mut env));
        assert!(!shown.contains("hunter"), "{shown}");
        let problems = env.finish().unwrap_err().to_string();
        assert!(
            problems.contains("AWS_REGION") && problems.contains("AWS_ACCESS_KEY_ID"),
            "{problems}"
        );
    }
}
