"""The commands of the local stack, and the order in which its parts start."""

import argparse
import shutil
import subprocess

from . import baseline, deploy, doubles, emulator, packages, postgres, previous, processes, tools
from .paths import DEPLOYMENT, LOGS, POSTGRES, ROOT, SOURCES, STACK, TEMPORARY, shown
from .progress import Failure, Steps, complain, say
from .state import locked

PARTS = ("postgres-stack", "doubles", "emulator")


def main(arguments: list[str]) -> int:
    """Runs one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="stack.py", description="The local stack. It needs no Docker and no AWS account, and listens on loopback only.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name == "run":
            command.add_argument("--once", action="store_true", help="stop after the samples; exit code 1 if a result is not as expected")
        if name == "production":
            command.add_argument("--end", action="store_true", help="delete the deployment")
        if name == "baseline":
            command.add_argument("commit", metavar="COMMIT", help="a commit of this clone, by any name that git accepts")
        if name == "with":
            command.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command to run")
        if name == "tools":
            command.add_argument("names", nargs="*", choices=[[], *tools.ENVIRONMENTS], help="environments to install (default: those of the stack)")
    chosen = parser.parse_args(arguments)
    try:
        return COMMANDS[chosen.command][0](chosen) or 0
    except Failure as failure:
        complain(str(failure))
        return 1
    except KeyboardInterrupt:
        complain("interrupted; `make stack-down` stops what is still running")
        return 130


def install(chosen) -> None:
    """`tools`."""
    with locked():
        installed = tools.ensure(tuple(chosen.names) or tools.STACK_NEEDS)
    say(f"installed: {', '.join(installed)}" if installed else "all tools are up to date")


def only_postgres(_) -> None:
    """`postgres`."""
    steps = Steps(2)
    with locked():
        with steps.step("tools"):
            tools.ensure(("postgres",))
        with steps.step("starting Postgres") as note:
            server = postgres.ensure(postgres.TEST_SERVER)
            note["text"] = f"port {server['port']}"
    say(f"{shown(POSTGRES)} holds its superuser_url")


def up() -> dict:
    """Starts and deploys everything that is not up to date; returns the content of `.local/stack.json`."""
    steps = Steps(8)
    with locked():
        with steps.step("tools") as note:
            note["text"] = ", ".join(tools.ensure())
        with steps.step("building the functions, the command line and the doubles"):
            binaries = packages.compile_for_local()
        with steps.step("packing the functions") as note:
            note["text"] = ", ".join(packages.pack(DEPLOYMENT / "build", binaries, SOURCES / "rules.yaml")) or "nothing changed"
        with steps.step("starting Postgres") as note:
            server = postgres.ensure(postgres.STACK_SERVER)
            deploy.prepare_database(server, reset=not processes.running("emulator"))
            note["text"] = f"port {server['port']}"
        with steps.step("starting the doubles of GitLab, Slack and the other services") as note:
            addresses = doubles.ensure()
            note["text"] = ", ".join(addresses.values())
        with steps.step("starting the AWS emulator") as note:
            endpoint = emulator.ensure()
            note["text"] = endpoint
        with steps.step("deploying template.yaml with sam") as note:
            note["text"] = deploy.deploy(endpoint, server, addresses)
        with steps.step("storing the secrets"):
            deploy.fill_secrets(endpoint)
            stack = deploy.describe(endpoint, server, addresses)
    say(f"The stack is running; {shown(STACK)} holds its addresses and tokens.")
    return stack


def bring_up(_) -> None:
    """`up` and `deploy`."""
    up()


def down(_=None, keep: frozenset[str] = frozenset()) -> None:
    """`down`; `keep` names processes to leave running."""
    # The functions stop before the services that they use.
    stopping = {
        "emulator": emulator.stop, "doubles": doubles.stop,
        "postgres-stack": lambda: postgres.stop(postgres.STACK_SERVER), "postgres": lambda: postgres.stop(postgres.TEST_SERVER),
    }
    with locked():
        stopped = [name for name, stop in stopping.items() if name not in keep and stop()]
        if "emulator" not in keep:
            STACK.unlink(missing_ok=True)
            shutil.rmtree(TEMPORARY, ignore_errors=True)
    say(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def with_stack(chosen) -> int:
    """`with`: starts the stack and the test server for one command, then stops what was not running before."""
    words = chosen.words[1:] if chosen.words[:1] == ["--"] else chosen.words
    if not words:
        raise Failure("no command given; example: stack.py with -- cargo test")
    were_up = frozenset(name for name in (*PARTS, "postgres") if processes.running(name))
    try:
        up()
        with locked():
            postgres.ensure(postgres.TEST_SERVER)
        return subprocess.run(words, cwd=ROOT, check=False).returncode
    finally:
        down(keep=were_up)


def status(_) -> int:
    """`status`: exit code 0 if everything runs."""
    for name in PARTS:
        pid = processes.running(name)
        say(f"{name:15} {'running, process ' + str(pid) if pid else 'stopped'}")
    everything = all(processes.running(name) for name in PARTS) and STACK.exists()
    say(f"addresses: {shown(STACK)}" if everything else "`make stack` starts the missing parts")
    say(f"logs:      {shown(LOGS)}")
    return 0 if everything else 1


def run(chosen) -> int:
    """`run`: starts the stack and sends the samples."""
    from . import demonstration

    return demonstration.run(once=chosen.once, up=up, down=lambda: down(keep=frozenset({postgres.TEST_SERVER.name})))


def production(chosen) -> None:
    """`production`."""
    from . import production as second

    second.down() if chosen.end else second.up()


def latency(_) -> None:
    """`latency`."""
    from . import latency as measuring

    measuring.measure()


COMMANDS = {
    "run": (run, "start the stack, send the sample deliveries, print the results, run until Ctrl-C"),
    "up": (bring_up, "start the stack in the background and write .local/stack.json"),
    "deploy": (bring_up, "rebuild and redeploy what has changed (the same as up)"),
    "down": (down, "stop everything"),
    "status": (status, "show which parts are running"),
    "with": (with_stack, "run a command while the stack is running: stack.py with -- cargo test"),
    "postgres": (only_postgres, "start only the Postgres server of the tests and write .local/postgres.json"),
    "previous": (previous.ensure, "build the programs of the previous release for the upgrade tests"),
    "baseline": (baseline.ensure, "build the processor of another commit in release mode, as the benchmark's baseline"),
    "tools": (install, "install the pinned tools in .local/tools"),
    "production": (production, "on the running stack: deploy the template a second time with all nested stacks; --end deletes it"),
    "latency": (latency, "on the running stack: measure the time from a delivery to the Slack call"),
}
