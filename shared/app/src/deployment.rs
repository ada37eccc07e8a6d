//! Migrations at a deployment, and the application's login.

use serde::Serialize;
use store::{DatabaseConfig, Group, LoginError, MigrationError, provision_login};

/// The result of the migrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migrated {
    /// Schema version before; 0: an empty database.
    pub from: i32,
    pub to: i32,
    /// Names of the migrations applied.
    pub applied: Vec<String>,
}

impl std::fmt::Display for Migrated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.applied.as_slice() {
            [] => write!(f, "schema version {}, nothing to do", self.to),
            applied => write!(f, "schema version {} to {}: {}", self.from, self.to, applied.join(", ")),
        }
    }
}

/// Why a deployment could not prepare the database.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The application's login could not be created.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The application must not be the owner.
    #[error(
        "the application's database secret holds the owner's login; give the application a separate login that owns nothing"
    )]
    SameLogin,
    /// The application's secret has no password.
    #[error("the application's database secret has no password")]
    NoPassword,
}

impl DeploymentError {
    /// Whether a retry may succeed soon.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Migration(error) => error.is_retryable(),
            Self::Login(LoginError::Store(error)) => error.is_retryable(),
            _ => false,
        }
    }
}

/// Migrates the database to the schema of this version, and creates the application's login with the password of its secret.
///
/// # Errors
/// [`DeploymentError`]; safe to repeat.
pub async fn migrate_database(
    owner: &DatabaseConfig,
    application: Option<&DatabaseConfig>,
) -> Result<Migrated, DeploymentError> {
    if application.is_some_and(|application| application.user() == owner.user()) {
        return Err(DeploymentError::SameLogin);
    }
    let report = store::migrate(owner).await?;
    if let Some(application) = application {
        provision_application(owner, application).await?;
    }
    Ok(Migrated {
        from: report.from,
        to: report.to,
        applied: report.applied,
    })
}

/// Creates or updates the application's login with the password of its secret.
///
/// # Errors
/// [`DeploymentError`]; safe to repeat.
pub async fn provision_application(
    owner: &DatabaseConfig,
    application: &DatabaseConfig,
) -> Result<(), DeploymentError> {
    if application.user() == owner.user() {
        return Err(DeploymentError::SameLogin);
    }
    let password = application.password().ok_or(DeploymentError::NoPassword)?;
    Ok(provision_login(owner, application.user(), password, Group::Application).await?)
}
