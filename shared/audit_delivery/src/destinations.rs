//! The destinations: a file, a syslog receiver, an HTTP endpoint.

mod file;
mod http;
pub mod http_batch;
mod line;
pub mod settings;
mod setup;
mod syslog;

pub use file::FileDestination;
pub use http::{Credentials, HttpDestination, HttpOptions};
pub use setup::SetupError;
pub use syslog::{SyslogDestination, SyslogOptions};
