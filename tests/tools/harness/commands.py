"""The commands of the local stack and the order in which its parts come up."""

import argparse
import shutil
import subprocess

from . import baseline, deploy, doubles, emulator, packages, postgres, previous, processes, tools
from .paths import DEPLOYMENT, LOGS, POSTGRES, ROOT, SOURCES, STACK, TEMPORARY, shown
from .progress import Failure, Steps, complain, say
from .state import locked

PARTS = ("postgres-stack", "doubles", "emulator")


def main(arguments: list[str]) -> int:
    """Runs one command; the process's exit code."""
    parser = argparse.ArgumentParser(prog="stack.py", description="The local stack: no Docker, no AWS account, loopback only.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name == "run":
            command.add_argument("--once", action="store_true", help="stop after the sample; exit code 1 if it went wrong")
        if name == "production":
            command.add_argument("--end", action="store_true", help="delete it")
        if name == "baseline":
            command.add_argument("commit", metavar="COMMIT", help="any name of a commit that git knows")
        if name == "with":
            command.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command to run")
        if name == "tools":
            command.add_argument("names", nargs="*", choices=[[], *tools.ENVIRONMENTS], help="which ones (default: the stack's)")
    chosen = parser.parse_args(arguments)
    try:
        return COMMANDS[chosen.command][0](chosen) or 0
    except Failure as failure:
        complain(str(failure))
        return 1
    except KeyboardInterrupt:
        complain("interrupted; `make stack-down` stops whatever is running")
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
    say(f"{shown(POSTGRES)} has its superuser_url")


def up() -> dict:
    """Makes everything so that is not yet so; what `.local/stack.json` says."""
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
            deploy.prepare_database(server, anew=not processes.running("emulator"))
            note["text"] = f"port {server['port']}"
        with steps.step("starting the doubles of the systems around it") as note:
            addresses = doubles.ensure()
            note["text"] = ", ".join(addresses.values())
        with steps.step("starting the AWS emulator") as note:
            endpoint = emulator.ensure()
            note["text"] = endpoint
        with steps.step("deploying template.yaml with sam") as note:
            note["text"] = deploy.deploy(endpoint, server, addresses)
        with steps.step("entering the secrets"):
            deploy.fill_secrets(endpoint)
            stack = deploy.describe(endpoint, server, addresses)
    say(f"The stack is up; {shown(STACK)} has its addresses and tokens.")
    return stack


def bring_up(_) -> None:
    """`up` and `deploy`."""
    up()


def down(_=None, keep: frozenset[str] = frozenset()) -> None:
    """`down`; `keep` names processes to leave running."""
    # The functions end before what they use does.
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
    """`with`: the stack and the test server are up for one command, and afterwards as they were."""
    words = chosen.words[1:] if chosen.words[:1] == ["--"] else chosen.words
    if not words:
        raise Failure("which command? stack.py with -- cargo test")
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
    say(f"addresses: {shown(STACK)}" if everything else "`make stack` brings up what is missing")
    say(f"logs:      {shown(LOGS)}")
    return 0 if everything else 1


def run(chosen) -> int:
    """`run`: the stack, then the sample."""
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
    "run": (run, "bring the stack up, send the sample deliveries, show what came of them, stay up until Ctrl-C"),
    "up": (bring_up, "bring the stack up in the background and write .local/stack.json"),
    "deploy": (bring_up, "rebuild and redeploy what has changed (the same as up)"),
    "down": (down, "stop everything"),
    "status": (status, "say what runs"),
    "with": (with_stack, "run a command while the stack is up: stack.py with -- cargo test"),
    "postgres": (only_postgres, "start only a Postgres for tests and write .local/postgres.json"),
    "previous": (previous.ensure, "build the programs of the previous release, for the tests of an upgrade"),
    "baseline": (baseline.ensure, "build the processor of another commit in release, for the benchmark to compare with"),
    "tools": (install, "install the pinned tools below .local/tools"),
    "production": (production, "on the running stack: deploy the template once more, with every nested stack; --end deletes it"),
    "latency": (latency, "on the running stack: how long it takes from a delivery to the Slack call"),
}
