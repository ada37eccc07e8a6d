"""Packs compiled functions into the zip files that the template's CodeUri names; skips those that are up to date."""

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .paths import FUNCTIONS, LOGS, ROOT, TARGET, shown
from .progress import Failure, tail


def compile_for_local() -> dict[str, Path]:
    """Builds every function, the command line and the doubles in debug mode; returns the path of each function's binary."""
    # If one binary is named, cargo builds only named binaries, so the functions are named too.
    names = [argument for name in FUNCTIONS for argument in ("--package", name, "--bin", name)]
    cargo(["build", "--locked", *names, "--package", "countersign", "--bin", "countersign", "--package", "doubles", "--bin", "doubles"], "build")
    return {name: TARGET / "debug" / name for name in FUNCTIONS}


def cargo(arguments: list[str], log_name: str, folder: Path = ROOT, environment: dict[str, str] | None = None) -> None:
    """Runs cargo, by default in the project's root; raises a `Failure` with the end of its output."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{log_name}.log"
    try:
        with open(log, "wb") as output:
            done = subprocess.run(["cargo", *arguments], cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    except OSError as error:
        raise Failure(f"cannot run cargo ({error}); install Rust in the version of rust-toolchain.toml") from error
    if done.returncode != 0:
        raise Failure(f"`cargo {' '.join(arguments)}` failed:\n{tail(log, 40)}")


def pack(destination: Path, binaries: dict[str, Path], rules: Path, level: int = 0) -> list[str]:
    """Writes `<destination>/<function>.zip` with each function's binary and the rules file; returns those that changed.

    Level 0 does not compress: on the same machine that would only take time.
    """
    if not rules.exists():
        raise Failure(f"{shown(rules)} is missing")
    destination.mkdir(parents=True, exist_ok=True)
    known_path = destination / "packed.json"
    known = json.loads(known_path.read_text()) if known_path.exists() else {}
    stale = {}
    for name, binary in binaries.items():
        if not binary.exists():
            raise Failure(f"{shown(binary)} is missing: the build did not create it")
        stamp = _stamp(binary, rules, level)
        if known.get(name) != stamp or not (destination / f"{name}.zip").exists():
            stale[name] = stamp
    # Compression releases Python's lock, so this uses every core.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda name: _pack_one(destination / f"{name}.zip", binaries[name], rules, level), stale))
    known_path.write_text(json.dumps(known | stale, indent=2))
    return list(stale)


def _stamp(binary: Path, rules: Path, level: int) -> list:
    status = binary.stat()
    return [str(binary), status.st_mtime_ns, status.st_size, hashlib.sha256(rules.read_bytes()).hexdigest(), level]


def _pack_one(archive: Path, binary: Path, rules: Path, level: int) -> None:
    bootstrap = archive.with_suffix(".bootstrap")
    shutil.copyfile(binary, bootstrap)
    # Debug information is most of a debug build and not needed here; panics still show function names.
    strip = shutil.which("strip") or shutil.which("llvm-strip")
    if strip:
        subprocess.run([strip, "--strip-debug", str(bootstrap)], capture_output=True, check=False)
    fresh = archive.with_suffix(".new")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED, compresslevel=level or None) as out:
        for name, path, mode in (("bootstrap", bootstrap, 0o755), ("rules.yaml", rules, 0o644)):
            # With a constant date equal contents give an equal archive, so an unchanged function is not deployed again.
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = out.compression
            out.writestr(entry, path.read_bytes())
    bootstrap.unlink()
    os.replace(fresh, archive)

