//! Configuration of the functions that use the application.

mod app;
mod shared;

pub use app::{AppConfig, AppFromSecrets, GitLabSecrets};
pub use shared::{DatabaseSecret, database_secret, rules_file};
