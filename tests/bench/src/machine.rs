//! The machine that the figures were measured on.

use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};
use tokio_postgres::SimpleQueryMessage;

use super::Result;
use doubles::postgres;

/// The machine and its Postgres.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    /// Load over one, five and fifteen minutes before the first measurement; a busy machine distorts the figures.
    load: String,
    postgres: String,
    profile: String,
}

pub(super) async fn describe() -> Result<Machine> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(Machine {
        cpu: model.map_or(std::env::consts::ARCH, |(_, name)| name).to_owned(),
        cores: std::thread::available_parallelism()?.get(),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        load: load.split_whitespace().take(3).collect::<Vec<_>>().join(" "),
        postgres: postgres().await?,
        profile: if cfg!(debug_assertions) {
            "debug: the figures are meaningless"
        } else {
            "release"
        }
        .to_owned(),
    })
}

/// The version, and the settings that determine the cost of a commit.
async fn postgres() -> Result<String> {
    let database = postgres::empty_database().await;
    let server = postgres::connect(&database.superuser_url).await;
    let mut settings = Vec::new();
    for name in ["server_version", "fsync", "synchronous_commit", "shared_buffers"] {
        for message in server.simple_query(&format!("SHOW {name}")).await? {
            if let SimpleQueryMessage::Row(row) = message {
                settings.push(format!("{name} {}", row.get(0).unwrap_or_default()));
            }
        }
    }
    Ok(settings.join(", "))
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cpu,
            cores,
            kernel,
            load,
            postgres,
            profile,
        } = self;
        writeln!(f, "{cpu}, {cores} cores, Linux {kernel}, load {load}")?;
        writeln!(f, "Postgres: {postgres}")?;
        write!(f, "Profile: {profile}")
    }
}
