//! The clock of programs that use the machine's: a preloaded library shifts it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use model::{Clock as _, SystemClock};
use tempfile::TempDir;

/// The shifted clock of programs started with [`MovedClock::variables`].
pub(super) struct MovedClock {
    directory: TempDir,
    offset: File,
}

impl MovedClock {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/upgrade/comparison/clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"]);
        let status = compiler.arg(library(&directory)).arg(source).status().unwrap();
        assert!(status.success(), "clock.c does not compile");
        let offset = File::create(directory.path().join("offset")).unwrap();
        offset.write_all_at(&0_i64.to_ne_bytes(), 0).unwrap();
        Self { directory, offset }
    }

    /// The variables for starting a program.
    pub(super) fn variables(&self) -> [(&'static str, String); 2] {
        let offset = self.directory.path().join("offset");
        [
            ("LD_PRELOAD", library(&self.directory).display().to_string()),
            ("CLOCK_OFFSET_FILE", offset.display().to_string()),
        ]
    }

    /// Sets the current time of the programs.
    pub(super) fn set(&self, at: Timestamp) {
        let offset = at.as_nanosecond() - SystemClock.now().as_nanosecond();
        let offset = i64::try_from(offset).unwrap();
        self.offset.write_all_at(&offset.to_ne_bytes(), 0).unwrap();
    }
}

fn library(directory: &TempDir) -> PathBuf {
    directory.path().join("clock.so")
}
