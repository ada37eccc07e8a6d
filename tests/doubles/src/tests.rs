//! The control interface and the faults, over HTTP.

mod control;
mod faults;
mod handle;
mod stubs;

use std::time::Duration;

/// How long a test waits for the requests that it expects.
const PATIENCE: Duration = Duration::from_secs(10);
