//! Rotation of the application's database login, which Secrets Manager requests step by step.
//!
//! Two logins alternate: the new one is created and tried while the old one is still current, and the old one keeps its password
//! until the next rotation. So no function is ever rejected, whichever of the two it has read.

use app::deployment::provision_application;
use audit::Context;
use runtime::secrets::Stage;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::{DatabaseConfig, Store};
use uuid::Uuid;

use crate::{JobError, JobReport, Maintenance};

/// Suffix of the second login's name.
const SECOND: &str = "_b";

/// What Secrets Manager sends
/// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotationRequest {
    step: Step,
    secret_id: String,
    /// Id of the version to create.
    client_request_token: String,
}

/// A step; each may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Create the new value next to the current one.
    CreateSecret,
    /// Set the login in the database.
    SetSecret,
    TestSecret,
    FinishSecret,
}

/// Why a rotation cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// Only the application's login is rotated here.
    #[error("this function rotates only the application's database secret, not {0}")]
    OtherSecret(String),
    /// The version is not being rotated.
    #[error("version {0} of the secret is neither current nor pending; start the rotation again")]
    NotPending(String),
    /// The secret has no login that could alternate.
    #[error(
        "the secret's {0} is not a JSON object with `username` and `password`; rotate one with a `url` by hand (docs/operate/rotation.md)"
    )]
    Form(&'static str),
}

impl Maintenance {
    pub(crate) async fn rotate(&self, context: &Context, request: RotationRequest) -> Result<JobReport, JobError> {
        let RotationRequest {
            step,
            secret_id,
            client_request_token: version,
        } = request;
        // 1. Only a pending version of the application's secret is rotated; a current one is done.
        if secret_id != self.rotated.id {
            return Err(RotationError::OtherSecret(secret_id).into());
        }
        let state = self.secrets.version(context, &secret_id, &version).await?;
        if state.is_current {
            return Ok(JobReport::default());
        }
        if !state.is_pending {
            return Err(RotationError::NotPending(version).into());
        }
        // 2. The step, which an earlier attempt may have executed in part.
        match step {
            Step::CreateSecret => self.create(context, &version).await?,
            Step::SetSecret => {
                let (owner, new) = (
                    self.owner.reload(context).await?,
                    self.login(context, Stage::Pending).await?,
                );
                provision_application(&owner, &new).await?;
            }
            Step::TestSecret => {
                // When a rotation is set up, Secrets Manager runs this step alone, to test whether it can.
                let tried = if self.secrets.get(context, &secret_id, Stage::Pending).await?.is_some() {
                    Stage::Pending
                } else {
                    Stage::Current
                };
                Store::new(self.login(context, tried).await?)?.check_schema().await?;
            }
            Step::FinishSecret => {
                let current = state.current.as_deref();
                self.secrets.promote(context, &secret_id, &version, current).await?;
            }
        }
        tracing::info!(?step, version, "finished a step of the database login rotation");
        Ok(JobReport::default())
    }

    async fn create(&self, context: &Context, version: &str) -> Result<(), JobError> {
        let id = &self.rotated.id;
        if self.secrets.get(context, id, Stage::Pending).await?.is_some() {
            return Ok(());
        }
        let current = self.secrets.get(context, id, Stage::Current).await?;
        let next = next_login(current.as_ref()).ok_or(RotationError::Form(Stage::Current.as_str()))?;
        self.secrets.put_pending(context, id, version, &next).await?;
        Ok(())
    }

    async fn login(&self, context: &Context, stage: Stage) -> Result<DatabaseConfig, JobError> {
        let value = self.secrets.get(context, &self.rotated.id, stage).await?;
        let read = value.and_then(|value| DatabaseConfig::from_secret(&value, &self.rotated.address).ok());
        read.ok_or_else(|| RotationError::Form(stage.as_str()).into())
    }
}

/// The next value: the other login with a new password, everything else unchanged.
fn next_login(current: Option<&SecretString>) -> Option<SecretString> {
    let mut fields: Map<String, Value> = serde_json::from_str(current?.expose_secret()).ok()?;
    if fields.contains_key("url") || !fields.contains_key("password") {
        return None;
    }
    let user = fields.get("username")?.as_str().filter(|user| !user.is_empty())?;
    let other = match user.strip_suffix(SECOND) {
        Some(first) => first.to_owned(),
        None => format!("{user}{SECOND}"),
    };
    // 244 random bits, in characters that are also valid in a URL.
    let password = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    fields.insert("username".to_owned(), other.into());
    fields.insert("password".to_owned(), password.into());
    serde_json::to_string(&fields).ok().map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(secret: &str) -> Option<Value> {
        let next = next_login(Some(&SecretString::from(secret)))?;
        Some(serde_json::from_str(next.expose_secret()).unwrap())
    }

    #[test]
    fn logins_alternate_and_other_secret_members_remain() {
        let first = r#"{"username": "countersign_app", "password": "one", "engine": "postgres", "ca_pem": "PEM"}"#;
        let second = after(first).unwrap();
        assert_eq!(
            (&second["username"], &second["engine"], &second["ca_pem"]),
            (&"countersign_app_b".into(), &"postgres".into(), &"PEM".into())
        );
        let third = after(&second.to_string()).unwrap();
        assert_eq!(third["username"], "countersign_app");
        let passwords = [&second["password"], &third["password"]].map(|password| password.as_str().unwrap());
        assert_ne!(passwords[0], passwords[1]);
        for password in passwords {
            assert_eq!(password.len(), 64);
            assert!(password.bytes().all(|byte| byte.is_ascii_hexdigit()), "{password}");
        }
    }

    #[test]
    fn secret_without_an_alternating_login_is_unchanged() {
        for secret in [
            r#"{"url": "postgres://a:b@h/d"}"#,
            r#"{"url": "postgres://a:b@h/d", "username": "a", "password": "b"}"#,
            r#"{"username": "a"}"#,
            r#"{"username": "", "password": "b"}"#,
            r#"{"username": 7, "password": "b"}"#,
            "[]",
            "no JSON",
        ] {
            assert_eq!(after(secret), None, "{secret}");
        }
        assert!(next_login(None).is_none());
    }
}
