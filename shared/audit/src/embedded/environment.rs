//! An audit log configured by the `AUDIT_LOG_*` variables.

use std::path::PathBuf;
use std::sync::Arc;

use model::Clock;
use url::Url;

use super::{Trail, TrailError, TrailSettings};
use crate::destination::Destination;
#[cfg(feature = "file")]
use crate::destination::FileDestination;
use crate::destination::settings::{DestinationSettings, SyslogAddress};
#[cfg(feature = "http")]
use crate::destination::{HttpDestination, HttpOptions};
#[cfg(feature = "syslog")]
use crate::destination::{SyslogDestination, SyslogOptions};

/// Destination options that the variables do not cover: credentials, private authorities, time-outs.
#[derive(Debug, Clone, Default)]
pub struct DestinationOptions {
    /// How to post.
    #[cfg(feature = "http")]
    pub http: HttpOptions,
    /// How to send.
    #[cfg(feature = "syslog")]
    pub syslog: SyslogOptions,
}

impl Trail {
    /// Opens the audit log that the `AUDIT_LOG_*` variables describe: their destinations are added to those of `settings`. With
    /// `AUDIT_LOG_ENABLED=false` it records nothing and does not touch the directory.
    ///
    /// # Errors
    /// As [`Trail::open`]; also all problems of the variables together, and destinations that cannot be built as configured or that
    /// this build does not include.
    pub fn from_environment(
        lookup: impl Fn(&str) -> Option<String>,
        mut settings: TrailSettings,
        options: &DestinationOptions,
    ) -> Result<Self, TrailError> {
        let read = DestinationSettings::read(lookup)?;
        if !read.enabled {
            return Ok(Self::off(settings.service, settings.clock));
        }
        settings.stdout |= read.stdout;
        for destination in made(read, options, &settings) {
            settings.destinations.push(destination?);
        }
        Self::open(settings)
    }
}

type Made = Result<Box<dyn Destination>, TrailError>;

fn made(read: DestinationSettings, options: &DestinationOptions, settings: &TrailSettings) -> Vec<Made> {
    [
        read.file.map(file),
        read.syslog.map(|address| syslog(address, options)),
        read.http.map(|endpoint| http(endpoint, options, &settings.clock)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(feature = "file")]
#[expect(clippy::unnecessary_wraps, reason = "the others can fail")]
fn file(path: PathBuf) -> Made {
    Ok(Box::new(FileDestination::new(path)))
}

#[cfg(feature = "syslog")]
fn syslog(address: SyslogAddress, options: &DestinationOptions) -> Made {
    let made = SyslogDestination::new(address, options.syslog.clone());
    Ok(Box::new(made.map_err(|error| failed("syslog", &error))?))
}

#[cfg(feature = "http")]
fn http(endpoint: Url, options: &DestinationOptions, clock: &Arc<dyn Clock>) -> Made {
    let made = HttpDestination::new(endpoint, options.http.clone(), Arc::clone(clock));
    Ok(Box::new(made.map_err(|error| failed("http", &error))?))
}

#[cfg(not(feature = "file"))]
fn file(_: PathBuf) -> Made {
    Err(failed(
        "file",
        &"the crate audit was built without its feature of this name",
    ))
}

#[cfg(not(feature = "syslog"))]
fn syslog(_: SyslogAddress, _: &DestinationOptions) -> Made {
    Err(failed(
        "syslog",
        &"the crate audit was built without its feature of this name",
    ))
}

#[cfg(not(feature = "http"))]
fn http(_: Url, _: &DestinationOptions, _: &Arc<dyn Clock>) -> Made {
    Err(failed(
        "http",
        &"the crate audit was built without its feature of this name",
    ))
}

fn failed(name: &'static str, reason: &dyn std::fmt::Display) -> TrailError {
    let reason = reason.to_string();
    TrailError::Destination { name, reason }
}
