"""Release packages in `build/`, and `sam deploy` to a real account, which rejects rules that are not filled in."""

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
# provided.al2023 has glibc 2.34 (https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html); binaries linked against
# a newer one of the build machine do not start there.
GLIBC = "2.34"
# Names of RDS and Glue resources contain it.
STACK_NAME = r"[a-z](?:-?[a-z0-9]){0,39}"
# Below this account concurrency the other functions leave the webhook too little, and a throttled delivery is lost.
CONCURRENCY = 100
DELETE = "The first deployment failed: delete the stack, then deploy again"
UNUSABLE = {
    "CREATE_FAILED": DELETE, "ROLLBACK_COMPLETE": DELETE, "ROLLBACK_FAILED": DELETE, "DELETE_FAILED": "Delete it again, and find out why the deletion failed",
    "UPDATE_ROLLBACK_FAILED": "Run aws cloudformation continue-update-rollback, then deploy again",
}
# Proposed at a first deployment instead of the template's defaults: a failed one cannot be rolled back if the database is protected
# from deletion, and nothing is sent before an operator has checked the results.
FIRST = {"DatabaseDeletionProtection": "false", "DryRun": "true"}


def main(arguments: list[str]) -> int:
    """Runs one command; returns the exit code."""
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
    """Compiles for Lambda and writes `build/<function>.zip`."""
    steps = Steps(4)
    with steps.step("tools") as note:
        note["text"] = ", ".join(tools.ensure(("build",)))
    with steps.step(f"checking {shown(RULES)}"):
        check_rules("--allow-placeholders")
    with steps.step(f"building for {architecture} (takes minutes the first time)"):
        binaries = _compile(architecture)
    with steps.step("packing") as note:
        note["text"] = ", ".join(packages.pack(BUILD, binaries, RULES, level=9)) or "nothing changed"
    for name in FUNCTIONS:
        say(f"   {shown(BUILD / f'{name}.zip'):24} {(BUILD / f'{name}.zip').stat().st_size / 1e6:5.1f} MB")
    return 0


def deploy(architecture: str) -> int:
    """Builds, then runs `sam deploy`: with questions the first time, afterwards with the answers in samconfig.toml."""
    check_rules()
    config = SamConfig(SAMCONFIG)
    name = config.setting("stack_name")
    if not re.fullmatch(STACK_NAME, name):
        raise Failure(f"stack_name {name!r} in {shown(SAMCONFIG)} is invalid: use at most 40 lower-case letters, digits and single dashes, as RDS and Glue require")
    tools.ensure(("sam",))
    options = answers(config, name, architecture, os.environ)
    architecture = config.parameters().get("Architecture", architecture)
    build(architecture)
    command = [tools.binary("sam", "sam"), "deploy", "--template-file", "template.yaml", *options]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, env=os.environ | {"SAM_CLI_TELEMETRY": "0"}, check=False).returncode
    known = config.parameters()
    if known.get("Architecture", architecture) != architecture:
        raise Failure(f"the packages are built for {architecture}, but Architecture is {known['Architecture']} in {shown(SAMCONFIG)}: run make deploy again")
    # Also reached if the user declined the deployment, which is not an error.
    if known.get("Database") == "new" and known.get("DatabaseDeletionProtection") == "false":
        say(f"The database is not protected from deletion. Once it exists, set DatabaseDeletionProtection=true in {shown(SAMCONFIG)} and run "
            "make deploy again.")
    return done


def answers(config: SamConfig, name: str, architecture: str, environment) -> list[str]:
    """The options of `sam deploy` for a stack that may already exist, deployed from another folder.

    In that case its parameters are adopted: new questions would propose the template's defaults instead.
    """
    account = look(name, config, environment)
    # A change set that was never executed leaves an empty stack.
    stack = None if account["stack"] is None or account["stack"]["status"] == "REVIEW_IN_PROGRESS" else account["stack"]
    if stack and stack["status"] in UNUSABLE:
        raise Failure(f"{name} is in state {stack['status']}, in which it cannot be deployed. {UNUSABLE[stack['status']]} (docs/operate/deploy.md)")
    if config.parameters():
        return []
    if stack:
        config.adopt(account["region"], stack["parameters"])
        say(f"{name} exists in {account['region']}: its parameters are now in {shown(config.path)}")
        return []
    say(f"There is no stack {name} in {account['region']} yet. Press Enter to accept the value in brackets.")
    first = FIRST | {"Architecture": architecture}
    if (concurrency := account["concurrency"]) is not None and concurrency < CONCURRENCY:
        say(f"This account can run {concurrency} functions concurrently. Ask AWS for 1,000 (Service Quotas, Lambda, Concurrent executions); until then "
            "ProcessorConcurrency and NotifierConcurrency are 2, which leaves some for the webhook.")
        first |= {"ProcessorConcurrency": "2", "NotifierConcurrency": "2"}
    return ["--guided", "--region", account["region"], "--parameter-overrides", *(f"{name}={value}" for name, value in first.items())]


def look(name: str, config: SamConfig, environment) -> dict:
    """The current state of the account that the credentials belong to."""
    command = [tools.binary("sam", "python"), Path(__file__).with_name("account.py"), name, config.setting("region"), config.setting("profile")]
    done = subprocess.run(list(map(str, command)), env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"cannot read the AWS account: {done.stderr.strip() or 'no reason given'}\n"
                      "Set a region and credentials (aws configure, or AWS_PROFILE) with the permission cloudformation:DescribeStacks.")
    return json.loads(done.stdout)


def check_rules(*options: str) -> None:
    """Rejects rules that the functions would reject, with line and reason; also placeholders, unless they are allowed."""
    command = ["cargo", "run", "--quiet", "--locked", "--package", "countersign", "--", "check-rules"]
    done = subprocess.run([*command, str(RULES), *options], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(done.stderr.strip())


def _compile(architecture: str) -> dict[str, Path]:
    triple, place = TARGETS[architecture], TARGET / "lambda" / architecture
    arguments = [argument for name in FUNCTIONS for argument in ("--package", name, "--bin", name)]
    # cargo-lambda finds zig through the Python of its virtual environment.
    os.environ["PATH"] = f"{tools.TOOLS / 'build' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    try:
        # The check would download a missing target.
        packages.cargo(["lambda", "build", "--release", "--locked", "--skip-target-check", "--target", f"{triple}.{GLIBC}",
                        "--lambda-dir", str(place), *arguments], "build-release")
    except Failure as error:
        if "E0463" in str(error) or "target may not be installed" in str(error):
            raise Failure(f"{error}\nRust's standard library for {architecture} is missing: rustup target add {triple}") from error
        raise

    return {name: place / name / "bootstrap" for name in FUNCTIONS}
