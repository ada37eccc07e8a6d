//! The function binaries, built as deployed, and their sizes.

use std::path::PathBuf;
use std::process::Command;

use super::report::{Row, Section};
use super::{Result, progress, project};

pub(super) const FUNCTIONS: [&str; 5] = ["webhook", "processor", "notifier", "recorder", "maintenance"];
/// The function that does nothing.
pub(super) const HELLO: &str = "hello";

/// A release binary's goal, in megabytes.
const MOST_MEGABYTES: f64 = 8.0;

/// Where the binaries are.
#[derive(Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Builds the functions and `hello` in the benchmark's own profile.
    pub(super) fn build() -> Result<Self> {
        cargo("building the functions", functions(&FUNCTIONS))?;
        cargo("building hello", ["--package", "bench", "--bin", HELLO])?;
        Self::beside_this()
    }

    /// Builds one function.
    pub(super) fn build_one(name: &str) -> Result<Self> {
        cargo(&format!("building the {name}"), functions(&[name]))?;
        Self::beside_this()
    }

    fn beside_this() -> Result<Self> {
        let bench = std::env::current_exe()?;
        let folder = bench
            .parent()
            .ok_or("the folder of the benchmark's binary is unknown")?
            .to_owned();
        Ok(Self { folder })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The size of each function.
    pub(super) fn sizes(&self) -> Result<Section> {
        let size = |name: &str| -> Result<f64> {
            let bytes = std::fs::metadata(self.path(name))?.len();
            Ok(f64::from(u32::try_from(bytes)?) / 1e6)
        };
        let mut rows = Vec::new();
        for name in FUNCTIONS {
            rows.push(Row::single(name, "MB", size(name)?).below(MOST_MEGABYTES));
        }
        rows.push(Row::single(HELLO, "MB", size(HELLO)?));
        Ok(Section {
            title: "Binary sizes",
            note: "Stripped, before compression.".to_owned(),
            rows,
        })
    }
}

/// Arguments that build these: all function packages, whose features count, without the tests' own, whose dependencies would
/// enable features that no deployed function has.
fn functions<'a>(binaries: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let packages = FUNCTIONS.iter().flat_map(|name| ["--package", name]);
    packages.chain(binaries.iter().flat_map(|name| ["--bin", name]))
}

fn cargo<'a>(what: &str, arguments: impl IntoIterator<Item = &'a str>) -> Result<()> {
    progress(what);
    let profile: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
    let mut command = Command::new(env!("CARGO"));
    command
        .arg("build")
        .arg("--locked")
        .args(profile)
        .args(arguments)
        .current_dir(project());
    // The variables that `cargo run` sets for this package would make build scripts run again and rebuild much.
    #[expect(
        clippy::disallowed_methods,
        reason = "variables removed from a child process, not configuration"
    )]
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    let status = command.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{what} failed").into())
    }
}
