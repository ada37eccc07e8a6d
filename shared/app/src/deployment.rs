//! Migrations at a deployment, and the application's login.

use store::{DatabaseConfig, Group, LoginError, MigrationError, MigrationReport, provision_login};

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
) -> Result<MigrationReport, DeploymentError> {
    if application.is_some_and(|application| application.user() == owner.user()) {
        return Err(DeploymentError::SameLogin);
    }
    let report = store::migrate(owner).await?;
    if let Some(application) = application {
        provision_application(owner, application).await?;
    }
    Ok(report)
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
