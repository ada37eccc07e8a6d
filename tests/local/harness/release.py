"""Release packages in `build/`, and `sam deploy` to a real account behind a guard against rules that nobody filled in."""

import argparse
import os
import re
import subprocess
import tomllib
from pathlib import Path

from . import packages, tools
from .paths import BUILD, FUNCTIONS, INFRA, ROOT, TARGET, shown
from .progress import Failure, Steps, complain, say
from .state import locked

RULES = INFRA / "rules.yaml"
SAMCONFIG = ROOT / "samconfig.toml"
TARGETS = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
# provided.al2023 has glibc 2.34 (https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html); linking against the build
# machine's newer one would give binaries that do not start there.
GLIBC = "2.34"
# Names of RDS and Glue are made of it.
STACK_NAME = r"[a-z](?:-?[a-z0-9]){0,39}"


def main(arguments: list[str]) -> int:
    """Runs one command; the process's exit code."""
    parser = argparse.ArgumentParser(prog="release.py", description="Release packages and the deployment to AWS.")
    parser.add_argument("command", choices=["build", "deploy"])
    parser.add_argument("--architecture", choices=list(TARGETS), default="x86_64")
    chosen = parser.parse_args(arguments)
    try:
        with locked():
            return build(chosen.architecture) if chosen.command == "build" else deploy(chosen.architecture)
    except Failure as failure:
        complain(str(failure))
        return 1


def build(architecture: str) -> int:
    """Compiles for Lambda and packs `build/<function>.zip`."""
    steps = Steps(4)
    with steps.step("tools") as note:
        note["text"] = ", ".join(tools.ensure(("build",)))
    with steps.step(f"checking {shown(RULES)}"):
        check_rules("--allow-placeholders")
    with steps.step(f"building for {architecture} (minutes the first time)"):
        binaries = _compile(architecture)
    with steps.step("packing") as note:
        note["text"] = ", ".join(packages.pack(BUILD, binaries, RULES, level=9)) or "nothing changed"
    for name in FUNCTIONS:
        say(f"   {shown(BUILD / f'{name}.zip'):24} {(BUILD / f'{name}.zip').stat().st_size / 1e6:5.1f} MB")
    return 0


def deploy(architecture: str) -> int:
    """Builds and runs `sam deploy`: with questions the first time, with the answers in samconfig.toml afterwards."""
    check_rules()
    known = _deployed_parameters()
    name = _stack_name()
    if not re.fullmatch(STACK_NAME, name):
        raise Failure(f"stack_name {name!r} in {shown(SAMCONFIG)}: lower-case letters, digits and single dashes, 40 at most; RDS and Glue take no other")
    architecture = known.get("Architecture", architecture)
    build(architecture)
    tools.ensure(("sam",))
    command = [tools.binary("sam", "sam"), "deploy", "--template-file", "template.yaml"]
    if not known:
        # A first deployment that fails could not be rolled back with a database that is protected from being deleted.
        command += ["--guided", "--parameter-overrides", f"Architecture={architecture}", "DatabaseDeletionProtection=false"]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, env=os.environ | {"SAM_CLI_TELEMETRY": "0"}, check=False).returncode
    if done == 0 and _deployed_parameters().get("DatabaseDeletionProtection") == "false":
        say(f"The database is not protected from being deleted. Set DatabaseDeletionProtection=true in {shown(SAMCONFIG)} and run make deploy again.")
    return done


def check_rules(*options: str) -> None:
    """Refuses rules that the functions would refuse, with line and reason; placeholders too unless they are allowed."""
    command = ["cargo", "run", "--quiet", "--locked", "--package", "maintenance", "--bin", "countersign", "--", "check-rules"]
    done = subprocess.run([*command, str(RULES), *options], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(done.stderr.strip())


def _stack_name() -> str:
    """The name that the stack is deployed under."""
    with open(SAMCONFIG, "rb") as file:
        settings = tomllib.load(file).get("default", {})
    known = (settings.get(command, {}).get("parameters", {}).get("stack_name") for command in ("deploy", "global"))
    return next((name for name in known if name), "")


def _deployed_parameters() -> dict[str, str]:
    """The parameters that an earlier `sam deploy --guided` wrote down."""
    with open(SAMCONFIG, "rb") as file:
        overrides = tomllib.load(file).get("default", {}).get("deploy", {}).get("parameters", {}).get("parameter_overrides", "")
    pairs = overrides if isinstance(overrides, list) else re.findall(r'(\w+="[^"]*"|\w+=\S+)', overrides)
    return {name: value.strip('"') for name, _, value in (pair.partition("=") for pair in pairs)}


def _compile(architecture: str) -> dict[str, Path]:
    triple, place = TARGETS[architecture], TARGET / "lambda" / architecture
    arguments = [argument for name in FUNCTIONS for argument in ("--package", name, "--bin", name)]
    # cargo-lambda finds zig through the Python of its own environment.
    os.environ["PATH"] = f"{tools.TOOLS / 'build' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    try:
        # Without the skipped check it would download a missing target by itself.
        packages.cargo(["lambda", "build", "--release", "--locked", "--skip-target-check", "--target", f"{triple}.{GLIBC}",
                        "--lambda-dir", str(place), *arguments], "build-release")
    except Failure as error:
        if "E0463" in str(error) or "target may not be installed" in str(error):
            raise Failure(f"{error}\nRust's standard library for {architecture} is missing: rustup target add {triple}") from error
        raise

    return {name: place / name / "bootstrap" for name in FUNCTIONS}
