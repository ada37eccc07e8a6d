"""Release packages in `build/`, and `sam deploy` to a real account behind a guard against rules that nobody filled in."""

import argparse
import json
import os
import re
import subprocess
from pathlib import Path

from . import packages, tools
from .paths import BUILD, FUNCTIONS, INFRA, ROOT, TARGET, shown
from .progress import Failure, Steps, complain, say
from .samconfig import SamConfig
from .state import locked

RULES = INFRA / "rules.yaml"
SAMCONFIG = ROOT / "samconfig.toml"
TARGETS = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
# provided.al2023 has glibc 2.34 (https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html); linking against the build
# machine's newer one would give binaries that do not start there.
GLIBC = "2.34"
# Names of RDS and Glue are made of it.
STACK_NAME = r"[a-z](?:-?[a-z0-9]){0,39}"
# With fewer functions at once than this the others leave the webhook too few, and a delivery that is throttled is lost.
CONCURRENCY = 100
DELETE = "The first deployment failed: delete the stack, then deploy again"
UNUSABLE = {
    "CREATE_FAILED": DELETE, "ROLLBACK_COMPLETE": DELETE, "ROLLBACK_FAILED": DELETE, "DELETE_FAILED": "Delete it once more, and look why it stayed",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback, then deploy again",
}
# What a first deployment is asked to confirm instead of the template's defaults. One that fails could not be rolled back with a database
# that is protected from being deleted; and nothing is sent before somebody has looked.
FIRST = {"DatabaseDeletionProtection": "false", "DryRun": "true"}


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
    config = SamConfig(SAMCONFIG)
    name = config.setting("stack_name")
    if not re.fullmatch(STACK_NAME, name):
        raise Failure(f"stack_name {name!r} in {shown(SAMCONFIG)}: lower-case letters, digits and single dashes, 40 at most; RDS and Glue take no other")
    tools.ensure(("sam",))
    options = answers(config, name, architecture, os.environ)
    architecture = config.parameters().get("Architecture", architecture)
    build(architecture)
    command = [tools.binary("sam", "sam"), "deploy", "--template-file", "template.yaml", *options]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, env=os.environ | {"SAM_CLI_TELEMETRY": "0"}, check=False).returncode
    known = config.parameters()
    if known.get("Architecture", architecture) != architecture:
        raise Failure(f"the packages are built for {architecture}, and Architecture is {known['Architecture']} in {shown(SAMCONFIG)}: run make deploy again")
    # Also without an error when the question whether to deploy was answered with no.
    if known.get("Database") == "new" and known.get("DatabaseDeletionProtection") == "false":
        say(f"The database is not protected from being deleted. Once it is there, set DatabaseDeletionProtection=true in {shown(SAMCONFIG)} and run "
            "make deploy again.")
    return done


def answers(config: SamConfig, name: str, architecture: str, environment) -> list[str]:
    """The options of `sam deploy` for a stack that may exist, and may have been deployed from elsewhere.

    Its parameters are taken over then: to be asked anew would offer the template's defaults in their place.
    """
    account = look(name, config, environment)
    # A change set that nobody executed leaves a stack with nothing in it.
    stack = None if account["stack"] is None or account["stack"]["status"] == "REVIEW_IN_PROGRESS" else account["stack"]
    if stack and stack["status"] in UNUSABLE:
        raise Failure(f"{name} is in state {stack['status']}, from which no deployment goes on. {UNUSABLE[stack['status']]} (docs/operate/deploy.md)")
    if config.parameters():
        return []
    if stack:
        config.adopt(account["region"], stack["parameters"])
        say(f"{name} exists in {account['region']}: its parameters were written to {shown(config.path)}")
        return []
    say(f"There is no stack {name} in {account['region']} yet. Enter takes what stands in brackets.")
    first = FIRST | {"Architecture": architecture}
    if (concurrency := account["concurrency"]) is not None and concurrency < CONCURRENCY:
        say(f"This account runs {concurrency} functions at once. Ask AWS for 1,000 (Service Quotas, Lambda, Concurrent executions); until then "
            "ProcessorConcurrency and NotifierConcurrency are 2, so that the webhook keeps some.")
        first |= {"ProcessorConcurrency": "2", "NotifierConcurrency": "2"}
    return ["--guided", "--region", account["region"], "--parameter-overrides", *(f"{name}={value}" for name, value in first.items())]


def look(name: str, config: SamConfig, environment) -> dict:
    """What the account that the credentials belong to has already."""
    command = [tools.binary("sam", "python"), Path(__file__).with_name("account.py"), name, config.setting("region"), config.setting("profile")]
    done = subprocess.run(list(map(str, command)), env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"the AWS account cannot be asked: {done.stderr.strip() or 'no reason given'}\n"
                      "It takes a region, credentials (aws configure, or AWS_PROFILE) and the right cloudformation:DescribeStacks.")
    return json.loads(done.stdout)


def check_rules(*options: str) -> None:
    """Refuses rules that the functions would refuse, with line and reason; placeholders too unless they are allowed."""
    command = ["cargo", "run", "--quiet", "--locked", "--package", "countersign", "--", "check-rules"]
    done = subprocess.run([*command, str(RULES), *options], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(done.stderr.strip())


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
