"""The programs of the previous release, for the tests of an upgrade: built once for its commit, below `.local/previous`."""

import io
import os
import re
import shutil
import subprocess
import tarfile

from .packages import cargo
from .paths import FUNCTIONS, LOCAL, ROOT, SOURCES, TARGET, shown
from .progress import Failure, Steps, say
from .state import locked

# The one place that names the release. It must be one that the current migrations can follow.
COMMIT = SOURCES / "previous-release.txt"
PLACE = LOCAL / "previous"
SOURCE = PLACE / "workspace"
# Its packages lie one folder deeper than ours: cargo names what it makes by the path in the workspace, and both share a build folder.
FOLDER = "previous"
PROGRAMS = ("processor", "maintenance", "notifier", "countersign")


def ensure(_=None) -> None:
    """`previous`."""
    commit = COMMIT.read_text().strip()
    if _is_built(commit):
        say(f"the previous release, {commit[:7]}, is built already")
        return
    steps = Steps(2)
    with locked():
        with steps.step(f"taking the previous release, {commit[:7]}, from the repository"):
            _extract(commit)
        with steps.step("building its processor, maintenance, notifier and command line"):
            _build()
        (PLACE / "built").write_text(commit)
    say(f"its programs lie in {shown(PLACE / 'target' / 'debug')}")


def _is_built(commit: str) -> bool:
    stamp = PLACE / "built"
    programs = all((PLACE / "target" / "debug" / name).is_file() for name in PROGRAMS)
    return programs and stamp.is_file() and stamp.read_text() == commit


def _extract(commit: str) -> None:
    """A workspace of the release's own files, with its packages in `FOLDER`."""
    if _git("cat-file", "-e", f"{commit}^{{commit}}").returncode != 0:
        raise Failure(f"commit {commit} of the previous release, which {shown(COMMIT)} names, is not in this clone: git fetch --unshallow")
    shutil.rmtree(PLACE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    for prefix, paths in (("", ("Cargo.toml", "Cargo.lock", "rust-toolchain.toml")), (f"{FOLDER}/", ("shared", "functions", "tests", "infra", "docs"))):
        archive = _git("archive", "--format=tar", f"--prefix={prefix}", commit, *paths)
        if archive.returncode != 0:
            raise Failure(f"git archive failed: {archive.stderr.decode(errors='replace').strip()}")
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(SOURCE, filter="data")
    manifest = SOURCE / "Cargo.toml"
    manifest.write_text(re.sub(r'"((?:shared|functions|tests)(?:/[^"]*)?)"', rf'"{FOLDER}/\1"', manifest.read_text()))


def _build() -> None:
    """The same choice of packages as everywhere else: with other features the dependencies would be built once more."""
    names = [argument for name in FUNCTIONS for argument in ("--package", name, "--bin", name)]
    command = ["build", "--locked", *names, "--bin", "countersign", "--package", "tests", "--bin", "doubles"]
    shared = os.environ.get("CARGO_BUILD_BUILD_DIR") or str(TARGET)
    environment = os.environ | {"CARGO_TARGET_DIR": str(PLACE / "target"), "CARGO_BUILD_BUILD_DIR": shared}
    cargo(command, "previous", SOURCE, environment)


def _git(*arguments: str) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    except OSError as error:
        raise Failure(f"git cannot be run ({error}): the previous release is taken from the repository") from error
