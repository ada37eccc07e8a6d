"""For one test: a second deployment of the template in the running emulator, with every nested stack, as in production."""

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
# A new value of a parameter that only one function uses.
CHANGED = {"SignatureToleranceSeconds": 301}
# More than the number of questions of `sam deploy --guided`, but few enough for the buffer of a pipe.
QUESTIONS = 300
# Contradictory parameters. An existing network without SubnetIds is left out: an empty list has one empty member on AWS, and none here.
CONTRADICTIONS = [
    {"Network": "none", "Database": "new"},
    {"Network": "existing", "SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1", "Database": "new"},
    {"Database": "existing", "DatabaseHost": ""},
]


def up() -> None:
    """Deploys it, changes one parameter, and writes `.local/production.json`: outputs and resources by stack, and the effect of the change."""
    if not processes.running("emulator") or not STACK.exists():
        raise Failure("the local stack is not running; start it with `make stack`")
    running = read(STACK)
    endpoint, server = running["aws_endpoint"], postgres.ensure(postgres.STACK_SERVER)
    doubles = {name: running[f"{name}_url"] for name in ("gitlab", "slack", "linear", "jira", "confluence", "siem")}
    with locked():
        # 1. Start without an earlier deployment and without data.
        _delete(Aws(endpoint))
        deploy.prepare_database(server, reset=True, name=DATABASE)
        deploy.copy_templates()
        parameters = deploy.common_parameters(endpoint, server, doubles, DATABASE) | {
            # No NAT gateway in the emulator.
            "Network": "new", "NatGateway": "false", "AuditLockDays": 30,
            # As in the README's first deployment; also keeps the doubles free for the tests of the other stack.
            "DryRun": "true",
            "KmsKeyArn": Aws(endpoint).key(), "AlarmTopicArn": Aws(endpoint).topic(STACK_NAME), "ReserveConcurrency": "true",
        }
        # 2. Contradictory parameters are rejected before anything is created.
        refusals = [_refusal(endpoint, parameters | wrong) for wrong in CONTRADICTIONS]
        deploy.sam(endpoint, STACK_NAME, parameters)
        deploy.fill_secrets(endpoint, STACK_NAME)
        aws = Aws(endpoint)
        # 3. Change one parameter: the change set alone moves no alias, its execution moves one.
        aliases = [_aliases(aws)]
        changes = deploy.sam(endpoint, STACK_NAME, parameters | CHANGED, "--no-execute-changeset")
        aliases.append(_aliases(aws))
        deploy.sam(endpoint, STACK_NAME, parameters | CHANGED)
        aliases.append(_aliases(aws))
        # 4. `make deploy` as the first deployment, and from a folder without answers.
        (first, again), (adopted, unchanged) = _first_answers(endpoint), _deployed_from_elsewhere(endpoint)
    # 5. Describe all stacks for the test.
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
        # Before the change, with its change set created, and after its execution.
        "aliases": aliases,
        "host_header": f"{outputs['template']['ApiId']}.execute-api.localhost:{port}",
        "database_owner_url": deploy.owner_url(server, DATABASE),
    }, indent=2))
    say(f"{STACK_NAME} is deployed")


def down() -> None:
    """Deletes the deployment and its database."""
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
    """Runs the first deployment up to its change set, with Enter as every answer. Returns the parameters that it stored, and the options of
    a first deployment by another user, without stored answers, while that change set waits."""
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
    """Deploys from a folder without stored answers. Returns the parameters that it adopts, and what it would change."""
    config = _config(STACK_NAME)
    options = release.answers(config, STACK_NAME, "x86_64", deploy.environment(endpoint))
    return config.parameters(), _changes(deploy.run(endpoint, f"{STACK_NAME}-again", _sam(config, *options)))


def _config(stack: str, suffix: str = "") -> SamConfig:
    """A copy of the project's samconfig.toml, without answers, for a stack of this name; another suffix gives another copy."""
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
    """The change set that `sam deploy` prints: operation, logical id and type of each resource."""
    rows = re.findall(r"^[+*-] (Add|Modify|Delete) +(\S+) +(AWS::\S+|Custom::\S+)", printed, re.MULTILINE)
    return [list(row) for row in rows]
