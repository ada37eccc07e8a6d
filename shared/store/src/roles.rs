//! Roles: three groups that hold the privileges, and logins that are members of one of them and own nothing.
//!
//! Roles belong to the whole server, so several databases may create and change the same ones concurrently.

use std::time::Duration;

use postgres_protocol::password::scram_sha_256;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use crate::connection::Connection;
use crate::sql::column;
use crate::{DatabaseConfig, StoreError};

const PRIVILEGES: &str = include_str!("../privileges.sql");

/// How often a role change is tried while another database's migration changes the role.
const TRIES: u32 = 20;

/// "tuple concurrently updated" is an internal error to Postgres; a concurrent duplicate grant violates its key.
const MET_ANOTHER: [SqlState; 3] = [
    SqlState::INTERNAL_ERROR,
    SqlState::UNIQUE_VIOLATION,
    SqlState::T_R_SERIALIZATION_FAILURE,
];

/// What a login may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The functions: append, and update rows that have a state.
    Application,
    /// Read everything, change nothing.
    Auditor,
    /// What the auditor may, and record requests that `maintenance` executes.
    Operator,
}

impl Group {
    /// The group role's name on the server.
    #[must_use]
    pub fn role(self) -> &'static str {
        match self {
            Self::Application => "countersign_application",
            Self::Auditor => "countersign_auditor",
            Self::Operator => "countersign_operator",
        }
    }

    /// Settings of a login. They are set on the role because a pooler does not forward session settings.
    fn settings(self) -> [(&'static str, &'static str); 4] {
        match self {
            Self::Application => [
                ("statement_timeout", "5s"),
                ("lock_timeout", "2s"),
                ("idle_in_transaction_session_timeout", "10s"),
                ("search_path", "public"),
            ],
            Self::Operator => [
                ("statement_timeout", "60s"),
                ("lock_timeout", "2s"),
                ("idle_in_transaction_session_timeout", "60s"),
                ("search_path", "public"),
            ],
            Self::Auditor => [
                ("statement_timeout", "60s"),
                ("idle_in_transaction_session_timeout", "60s"),
                ("default_transaction_read_only", "on"),
                ("search_path", "public"),
            ],
        }
    }
}

/// Why a login was not created.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The name is invalid.
    #[error("a login name must have 1 to 63 bytes and no NUL")]
    Name,
    /// The password is missing.
    #[error("the login password is empty")]
    Password,
    /// The application would have privileges that bypass the protection of the record.
    #[error(
        "the login `{0}` has too many privileges (superuser, may create roles or databases, or owns this database); choose another name"
    )]
    Powerful(String),
    /// The database is unreachable, or its owner lacks a privilege.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates a login in a group, or sets this password and the group's settings on an existing one.
///
/// Run by the database's owner after [`crate::migrate`]. The password never leaves this process: the server gets its SCRAM
/// verifier (RFC 5803).
///
/// # Errors
/// [`LoginError`] states what to change.
pub async fn provision_login(
    owner: &DatabaseConfig,
    name: &str,
    password: &SecretString,
    group: Group,
) -> Result<(), LoginError> {
    let login = quoted_name(name)?;
    if password.expose_secret().is_empty() {
        return Err(LoginError::Password);
    }
    let tls = crate::tls::connector(owner)?;
    let connection = Connection::open(owner, tls.as_ref()).await?;
    if is_powerful(&connection, name).await? {
        return Err(LoginError::Powerful(name.to_owned()));
    }
    let verifier = scram_sha_256(password.expose_secret().as_bytes());
    ensure_role(&connection, name, &login).await?;
    // A verifier consists of base64, `$` and `:`; nothing in it needs quoting.
    change(
        &connection,
        &format!("ALTER ROLE {login} WITH LOGIN PASSWORD '{verifier}'"),
    )
    .await?;
    for (setting, value) in group.settings() {
        change(&connection, &format!("ALTER ROLE {login} SET {setting} = '{value}'")).await?;
    }
    change(&connection, &format!("GRANT {} TO {login}", group.role())).await?;
    Ok(())
}

/// Creates missing group roles.
pub(crate) async fn ensure_groups(connection: &Connection) -> Result<(), StoreError> {
    for group in [Group::Application, Group::Auditor, Group::Operator] {
        ensure_role(connection, group.role(), group.role()).await?;
    }
    Ok(())
}

/// Grants the groups their privileges in this database.
pub(crate) async fn grant_privileges(connection: &Connection) -> Result<(), StoreError> {
    change(connection, PRIVILEGES).await
}

/// Creates a role if it is missing; another session may do the same concurrently.
async fn ensure_role(connection: &Connection, name: &str, quoted: &str) -> Result<(), StoreError> {
    let exists = "SELECT FROM pg_roles WHERE rolname = $1";
    if !connection.query(exists, &[(&name, Type::TEXT)]).await?.is_empty() {
        return Ok(());
    }
    match connection
        .client
        .batch_execute(&format!("CREATE ROLE {quoted} NOLOGIN"))
        .await
    {
        Err(error) if has_code(&error, &[SqlState::DUPLICATE_OBJECT, SqlState::UNIQUE_VIOLATION]) => Ok(()),
        result => result.map_err(|error| StoreError::from_driver(&error)),
    }
}

/// Whether an existing login has privileges that an application or auditor must not have.
async fn is_powerful(connection: &Connection, name: &str) -> Result<bool, StoreError> {
    let sql = "
        SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
            OR pg_has_role(oid, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'MEMBER')
            OR oid = (SELECT oid FROM pg_roles WHERE rolname = current_user) AS powerful
        FROM pg_roles WHERE rolname = $1";
    let rows = connection.query(sql, &[(&name, Type::TEXT)]).await?;
    rows.first()
        .map(|row| column(row, "powerful"))
        .transpose()
        .map(|found| found.unwrap_or(false))
}

/// Changes roles; retries if another session changed the same catalogue row concurrently.
async fn change(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    let mut tried = 1;
    loop {
        match connection.client.batch_execute(sql).await {
            Err(error) if tried < TRIES && has_code(&error, &MET_ANOTHER) => {
                tokio::time::sleep(Duration::from_millis(u64::from(tried) * 10)).await;
                tried += 1;
            }
            result => return result.map_err(|error| StoreError::from_driver(&error)),
        }
    }
}

fn has_code(error: &tokio_postgres::Error, codes: &[SqlState]) -> bool {
    error.code().is_some_and(|code| codes.contains(code))
}

fn quoted_name(name: &str) -> Result<String, LoginError> {
    if name.is_empty() || name.len() > 63 || name.contains('\0') {
        return Err(LoginError::Name);
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_name_cannot_end_the_statement() {
        let cases = [
            ("countersign_app", "\"countersign_app\""),
            ("a\"; DROP TABLE x; --", "\"a\"\"; DROP TABLE x; --\""),
        ];
        for (name, quoted) in cases {
            assert_eq!(quoted_name(name).unwrap(), quoted);
        }
    }

    #[test]
    fn overlong_or_invalid_name_is_refused() {
        for name in ["", "nul\0", &"n".repeat(64)] {
            assert!(matches!(quoted_name(name), Err(LoginError::Name)), "{name:?}");
        }
    }
}
