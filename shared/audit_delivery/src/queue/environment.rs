//! An audit log configured by the `AUDIT_LOG_*` variables.

use std::path::PathBuf;
use std::sync::Arc;

use model::Clock;
use url::Url;

use super::{AuditQueue, AuditQueueError, AuditQueueSettings};
use crate::destination::Destination;
use crate::destinations::FileDestination;
use crate::destinations::settings::{DestinationSettings, SyslogAddress};
use crate::destinations::{HttpDestination, HttpOptions};
use crate::destinations::{SyslogDestination, SyslogOptions};

/// Destination options that the variables do not cover: credentials, private authorities, time-outs.
#[derive(Debug, Clone, Default)]
pub struct DestinationOptions {
    /// Of the HTTP destination.
    pub http: HttpOptions,
    /// Of the syslog destination.
    pub syslog: SyslogOptions,
}

impl AuditQueue {
    /// Opens the audit log that the `AUDIT_LOG_*` variables describe: their destinations are added to those of `settings`. With
    /// `AUDIT_LOG_ENABLED=false` it records nothing and does not touch the directory.
    ///
    /// # Errors
    /// As [`AuditQueue::open`]; also all problems of the variables together, and destinations that cannot be built as configured.
    pub fn from_environment(
        lookup: impl Fn(&str) -> Option<String>,
        mut settings: AuditQueueSettings,
        options: &DestinationOptions,
    ) -> Result<Self, AuditQueueError> {
        let read = DestinationSettings::read(lookup)?;
        if !read.enabled {
            return Ok(Self::off(settings.service, settings.clock));
        }
        settings.stdout |= read.stdout;
        for destination in build_all(read, options, &settings) {
            settings.destinations.push(destination?);
        }
        Self::open(settings)
    }
}

type BuildResult = Result<Box<dyn Destination>, AuditQueueError>;

fn build_all(
    read: DestinationSettings,
    options: &DestinationOptions,
    settings: &AuditQueueSettings,
) -> Vec<BuildResult> {
    [
        read.file.map(file),
        read.syslog.map(|address| syslog(address, options)),
        read.http.map(|endpoint| http(endpoint, options, &settings.clock)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[expect(clippy::unnecessary_wraps, reason = "the others can fail")]
fn file(path: PathBuf) -> BuildResult {
    Ok(Box::new(FileDestination::new(path)))
}

fn syslog(address: SyslogAddress, options: &DestinationOptions) -> BuildResult {
    let destination = SyslogDestination::new(address, options.syslog.clone());
    Ok(Box::new(destination.map_err(|error| failed("syslog", &error))?))
}

fn http(endpoint: Url, options: &DestinationOptions, clock: &Arc<dyn Clock>) -> BuildResult {
    let destination = HttpDestination::new(endpoint, options.http.clone(), Arc::clone(clock));
    Ok(Box::new(destination.map_err(|error| failed("http", &error))?))
}

fn failed(name: &'static str, reason: &dyn std::fmt::Display) -> AuditQueueError {
    let reason = reason.to_string();
    AuditQueueError::Destination { name, reason }
}
