"""Programs of another commit of this repository, extracted to `.local/<name>` and built once for each commit."""

import io
import os
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from .packages import cargo
from .paths import FUNCTIONS, LOCAL, ROOT, TARGET, shown
from .progress import Failure, Steps, say
from .state import locked


@dataclass(frozen=True)
class Programs:
    """What to build of a commit, and where: `name` is also the folder of its packages in a separate workspace.

    They are one folder deeper than ours: cargo names its artifacts by the path in the workspace, and both share a build folder.
    """

    name: str
    title: str
    programs: tuple[str, ...]
    profile: str = "debug"

    @property
    def place(self) -> Path:
        """Holds the workspace, its build, and the commit in the file `built`."""
        return LOCAL / self.name

    def ensure(self, commit: str, binaries: list[str]) -> None:
        """Extracts the commit and builds these binaries of it, unless they are already built."""
        if self._are_built(commit):
            say(f"the {self.title}, {commit[:7]}, is already built")
            return
        steps = Steps(2)
        with locked():
            with steps.step(f"extracting the {self.title}, {commit[:7]}, from the repository"):
                self._extract(commit)
            with steps.step(f"building its {', '.join(self.programs)}"):
                shared = os.environ.get("CARGO_BUILD_BUILD_DIR") or str(TARGET)
                environment = os.environ | {"CARGO_TARGET_DIR": str(self.place / "target"), "CARGO_BUILD_BUILD_DIR": shared}
                cargo(["build", "--locked", *self._choice(commit, binaries)], self.name, self._workspace, environment)
            (self.place / "built").write_text(commit)
        say(f"its programs are in {shown(self._built)}")

    def _choice(self, commit: str, binaries: list[str]) -> list[str]:
        """The same choice of packages as everywhere else: with other features the dependencies would be built once more."""
        own = {"countersign": "shared/cli", "doubles": "tests/doubles"}
        older = {"countersign": "maintenance", "doubles": "tests"}  # before they had their own packages
        exists = {name: git("cat-file", "-e", f"{commit}:{folder}/Cargo.toml").returncode == 0 for name, folder in own.items()}
        packages = {name if exists.get(name, True) else older[name] for name in (*FUNCTIONS, *binaries)}
        choice = [argument for name in sorted(packages) for argument in ("--package", name)]
        choice += [argument for name in binaries for argument in ("--bin", name)]
        return [*choice, "--release"] if self.profile == "release" else choice

    @property
    def _workspace(self) -> Path:
        return self.place / "workspace"

    @property
    def _built(self) -> Path:
        return self.place / "target" / self.profile

    def _are_built(self, commit: str) -> bool:
        stamp = self.place / "built"
        programs = all((self._built / name).is_file() for name in self.programs)
        return programs and stamp.is_file() and stamp.read_text() == commit

    def _extract(self, commit: str) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        self._workspace.mkdir(parents=True)
        for prefix, paths in (
            ("", ("Cargo.toml", "Cargo.lock", "rust-toolchain.toml")), (f"{self.name}/", ("shared", "functions", "tests", "infra", "docs")),
        ):
            archive = git("archive", "--format=tar", f"--prefix={prefix}", commit, *paths)
            if archive.returncode != 0:
                raise Failure(f"git archive failed: {archive.stderr.decode(errors='replace').strip()}")
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
                files.extractall(self._workspace, filter="data")
        manifest = self._workspace / "Cargo.toml"
        manifest.write_text(re.sub(r'"((?:shared|functions|tests)(?:/[^"]*)?)"', rf'"{self.name}/\1"', manifest.read_text()))


def resolve(commit: str, named_by: str) -> str:
    """The full name of a commit; a `Failure` if this clone does not have it."""
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    if found.returncode != 0:
        raise Failure(f"commit {commit} of {named_by} is not in this clone; run git fetch --unshallow")
    return found.stdout.decode().strip()


def git(*arguments: str) -> subprocess.CompletedProcess:
    """Runs git at the project's root."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    except OSError as error:
        raise Failure(f"cannot run git ({error}); it is needed to extract programs of another commit") from error
