//! Migrations, and the application's login.

use audit::Context;
use serde::Serialize;
use store::{DatabaseConfig, Group, provision_login};

use super::JobError;
use crate::Maintenance;

/// The result of the migrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migrated {
    /// Schema version before; 0: an empty database.
    pub from: i32,
    /// Schema version now.
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

/// Migrates the database to the schema of this version, and creates the application's login with the password of its secret.
///
/// # Errors
/// [`JobError`]; safe to repeat.
pub async fn migrate(owner: &DatabaseConfig, application: Option<&DatabaseConfig>) -> Result<Migrated, JobError> {
    if application.is_some_and(|application| application.user() == owner.user()) {
        return Err(JobError::SameLogin);
    }
    let report = store::migrate(owner).await?;
    if let Some(application) = application {
        let password = application.password().ok_or(JobError::NoPassword)?;
        provision_login(owner, application.user(), password, Group::Application).await?;
    }
    Ok(Migrated {
        from: report.from,
        to: report.to,
        applied: report.applied,
    })
}

impl Maintenance {
    pub(crate) async fn migrate(&self, context: &Context) -> Result<Migrated, JobError> {
        // A cached login of the application may have been replaced by a rotation: its old password would become valid again.
        let (owner, application) = (
            self.owner.reload(context).await?,
            self.application.reload(context).await?,
        );
        migrate(&owner, Some(&application)).await
    }
}
