//! The functions of an earlier commit, built by `stack.py baseline`, and a database with that commit's schema.

use std::path::PathBuf;
use std::process::Command;

use super::{Result, project};
use doubles::postgres::{self, TestDatabase};

/// Path of its build, from the project's root.
const PLACE: &str = ".local/baseline";

/// The commit's programs.
#[derive(Debug)]
pub(super) struct Baseline {
    place: PathBuf,
    commit: String,
}

impl Baseline {
    /// The existing build.
    pub(super) fn built() -> Result<Self> {
        let place = project().join(PLACE);
        let commit = std::fs::read_to_string(place.join("built")).map_err(|_| {
            "the baseline is not built: run `make bench BASELINE=<commit>`, or `python3 tests/tools/stack.py baseline <commit>`"
        })?;
        Ok(Self { place, commit })
    }

    /// The short commit id.
    pub(super) fn name(&self) -> &str {
        self.commit.get(..7).unwrap_or(&self.commit)
    }

    pub(super) fn processor(&self) -> PathBuf {
        self.program("processor")
    }

    pub(super) fn webhook(&self) -> PathBuf {
        self.program("webhook")
    }

    /// The local stack's rules as of that commit, which may not accept the current ones.
    pub(super) fn rules(&self) -> PathBuf {
        // Commits before the tools had this folder kept the file in another one.
        let known = ["tests/tools/rules.yaml", "tests/local/rules.yaml"];
        let workspace = self.place.join("workspace/baseline");
        let files = known.map(|file| workspace.join(file));
        let [current, older] = files;
        if current.is_file() { current } else { older }
    }

    /// A new database with the schema and application login that its own command creates.
    pub(super) async fn database(&self) -> Result<TestDatabase> {
        let database = postgres::empty_database().await;
        let made = Command::new(self.program("countersign"))
            .arg("migrate")
            .env("DATABASE_OWNER_URL", &database.owner_url)
            .env("DATABASE_URL", &database.app_url)
            .output()?;
        if made.status.success() {
            Ok(database)
        } else {
            let said = String::from_utf8_lossy(&made.stderr);
            Err(format!("countersign migrate of {}: {said}", self.name()).into())
        }
    }

    fn program(&self, name: &str) -> PathBuf {
        self.place.join("target/release").join(name)
    }
}
