"""The template as a platform team deploys it, with every nested stack, as a second stack in the running emulator: for one test."""

import json
import os
import re
import time
from pathlib import Path

from . import deploy, postgres, processes, release
from .aws import Aws
from .paths import FUNCTIONS, LOCAL, STACK, TEMPORARY
from .progress import Failure, say
from .samconfig import SamConfig
from .state import locked, read
from .tools import binary

STACK_NAME = "countersign-production"
DATABASE = "countersign_production"
DESCRIPTION = LOCAL / "production.json"
# A parameter that one function alone sees, and another value of it.
CHANGED = {"SignatureToleranceSeconds": 301}
# More than `sam deploy --guided` has questions; few enough to wait in a pipe.
QUESTIONS = 300
# Choices that contradict each other. Not an existing network without SubnetIds: on AWS an empty list has one empty member, here none.
CONTRADICTIONS = [
    {"Network": "none", "Database": "new"},
    {"Network": "existing", "SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1", "Database": "new"},
    {"Database": "existing", "DatabaseHost": ""},
]


def up() -> None:
    """Deploys it, changes one parameter, and writes `.local/production.json`: outputs and resources by stack, and what the change did."""
    if not processes.running("emulator") or not STACK.exists():
        raise Failure("the local stack must be up: make stack")
    running = read(STACK)
    endpoint, server = running["aws_endpoint"], postgres.ensure(postgres.STACK_SERVER)
    doubles = {name: running[f"{name}_url"] for name in ("gitlab", "slack", "linear", "jira", "confluence", "siem")}
    with locked():
        _delete(Aws(endpoint))
        deploy.prepare_database(server, anew=True, name=DATABASE)
        deploy.copy_templates()
        parameters = deploy.common_parameters(endpoint, server, doubles, DATABASE) | {
            # No NAT gateway in the emulator.
            "Network": "new", "NatGateway": "false", "AuditLockDays": 30,
            # As the README has it at first. Besides, the doubles stay with the tests of the other stack.
            "DryRun": "true",
            "KmsKeyArn": Aws(endpoint).key(), "AlarmTopicArn": Aws(endpoint).topic(STACK_NAME), "ReserveConcurrency": "true",
        }
        refusals = [_refusal(endpoint, parameters | wrong) for wrong in CONTRADICTIONS]
        deploy.sam(endpoint, STACK_NAME, parameters)
        deploy.fill_secrets(endpoint, STACK_NAME)
        aws = Aws(endpoint)
        aliases = [_aliases(aws)]
        changes = deploy.sam(endpoint, STACK_NAME, parameters | CHANGED, "--no-execute-changeset")
        aliases.append(_aliases(aws))
        deploy.sam(endpoint, STACK_NAME, parameters | CHANGED)
        aliases.append(_aliases(aws))
        (first, again), (adopted, unchanged) = _first_answers(endpoint), _deployed_from_elsewhere(endpoint)
    stacks = {"template": STACK_NAME}
    for name, (kind, physical) in aws.resources(STACK_NAME).items():
        if kind == "AWS::CloudFormation::Stack":
            stacks[name] = physical
    port = endpoint.rpartition(":")[2]
    outputs = {name: aws.outputs(stack) for name, stack in stacks.items()}
    DESCRIPTION.write_text(json.dumps({
        "outputs": outputs,
        "resources": {name: {one: kind for one, (kind, _) in aws.resources(stack).items()} for name, stack in stacks.items()},
        "refusals": refusals,
        "first_answers": first, "first_again": again,
        "adopted": {"parameters": adopted, "given": {name: str(value) for name, value in (parameters | CHANGED).items()}, "changes": unchanged},
        "changes": _changes(changes),
        # Before the change, with its change set made, and after it.
        "aliases": aliases,
        "host_header": f"{outputs['template']['ApiId']}.execute-api.localhost:{port}",
        "database_owner_url": deploy.owner_url(server, DATABASE),
    }, indent=2))
    say(f"{STACK_NAME} is deployed")


def down() -> None:
    """Deletes it, and its database."""
    running = read(STACK)
    with locked():
        _delete(Aws(running["aws_endpoint"]))
        server = postgres.ensure(postgres.STACK_SERVER)
        postgres.query(server["superuser_url"], f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    DESCRIPTION.unlink(missing_ok=True)
    say(f"{STACK_NAME} is deleted")


def _refusal(endpoint: str, parameters: dict) -> str:
    try:
        deploy.sam(endpoint, f"{STACK_NAME}-refused", parameters, "--no-execute-changeset")
    except Failure as refusal:
        return str(refusal)
    return ""


def _first_answers(endpoint: str) -> tuple[dict[str, str], list[str]]:
    """The first deployment, each question answered with Enter, up to its change set: the parameters that were written down; and the options of
    another first deployment, for whoever has none of these answers, while that change set waits."""
    name = f"{STACK_NAME}-first"
    config = _config(name)
    options = release.answers(config, name, "x86_64", deploy.environment(endpoint))
    reading, writing = os.pipe()
    os.write(writing, b"\n" * QUESTIONS)
    os.close(writing)
    try:
        kept_out = [f"{parameter}={value}" for parameter, value in (deploy.EMULATED | {"NatGateway": "false"}).items()]
        deploy.run(endpoint, name, _sam(config, *options, *kept_out), answers=reading)
        again = release.answers(_config(name, "again"), name, "x86_64", deploy.environment(endpoint))
    finally:
        os.close(reading)
        Aws(endpoint).delete_stack(name)
    return config.parameters(), again


def _deployed_from_elsewhere(endpoint: str) -> tuple[dict[str, str], list[list[str]]]:
    """A deployment from a folder that knows none of the answers: the parameters that it takes over, and what it would change."""
    config = _config(STACK_NAME)
    options = release.answers(config, STACK_NAME, "x86_64", deploy.environment(endpoint))
    return config.parameters(), _changes(deploy.run(endpoint, f"{STACK_NAME}-again", _sam(config, *options)))


def _config(stack: str, suffix: str = "") -> SamConfig:
    """The project's samconfig.toml before its first deployment, for a stack of this name; another one by another suffix."""
    path = TEMPORARY / f"samconfig-{stack}{suffix}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(release.SAMCONFIG.read_text().replace('stack_name = "countersign"', f'stack_name = "{stack}"'))
    return SamConfig(path)


def _sam(config: SamConfig, *options: str) -> list[str | Path]:
    return [binary("sam", "sam"), "deploy", "--template-file", "template.yaml", "--config-file", config.path, "--no-execute-changeset",
            "--no-progressbar", *options]


def _delete(aws: Aws) -> None:
    if not aws.resources(STACK_NAME):
        return
    aws.delete_stack(STACK_NAME)
    deadline = time.monotonic() + 120
    while aws.resources(STACK_NAME):
        if time.monotonic() > deadline:
            raise Failure(f"{STACK_NAME} was not deleted within two minutes")
        time.sleep(0.2)


def _aliases(aws: Aws) -> dict[str, str]:
    return {name: aws.alias(f"{STACK_NAME}-{name}", "live") for name in FUNCTIONS}


def _changes(printed: str) -> list[list[str]]:
    """The change set that `sam deploy` shows: operation, logical id and type of each resource."""
    rows = re.findall(r"^[+*-] (Add|Modify|Delete) +(\S+) +(AWS::\S+|Custom::\S+)", printed, re.MULTILINE)
    return [list(row) for row in rows]
