//! Freshly built programs of the workspace: cargo does not build them for the tests of another package.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Once;

/// Builds once per run.
static BUILT: Once = Once::new();

/// The debug binary of a function, or `countersign`.
pub(crate) fn built(name: &str) -> PathBuf {
    BUILT.call_once(build);
    beside_this_test(name)
}

/// A program of the previous release, built by `stack.py previous`.
pub(crate) fn previous(name: &str) -> PathBuf {
    let release = include_str!("../../tools/previous-release.txt").trim();
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/previous");
    let built = std::fs::read_to_string(place.join("built")).unwrap_or_default();
    assert_eq!(
        built, release,
        "the previous release is not built: run `python3 tests/tools/stack.py previous`, or `make test`"
    );
    place.join("target/debug").join(name)
}

/// A file as of the previous release.
pub(crate) fn of_previous(file: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/previous/workspace/previous");
    workspace.join(file)
}

/// Runs the command line as the login of this URL.
pub(crate) fn countersign(database_url: &str, words: &[&str]) -> Output {
    let mut command = Command::new(built("countersign"));
    command.env("DATABASE_URL", database_url).args(words).output().unwrap()
}

/// An example, which cargo builds for its own package's tests.
pub(crate) fn example(name: &str) -> PathBuf {
    beside_this_test(&format!("examples/{name}"))
}

fn beside_this_test(name: &str) -> PathBuf {
    // target/debug/deps/it-...: the binaries are next to `deps`.
    let this = std::env::current_exe().unwrap();
    let program = this.ancestors().nth(2).unwrap().join(name);
    assert!(
        program.is_file(),
        "{} is missing: run the tests of the whole workspace, which build it",
        program.display()
    );
    program
}

/// Builds the same packages in one call as the local stack: others would give the dependencies other features and build them again.
/// For the same reason cargo must not see the variables set by the cargo of this test.
fn build() {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--locked", "--package", "doubles"]);
    for name in ["webhook", "processor", "notifier", "recorder", "maintenance"] {
        command.args(["--package", name, "--bin", name]);
    }
    command.args(["--package", "countersign", "--bin", "countersign"]);
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
    assert!(command.status().unwrap().success(), "the programs do not build");
}
