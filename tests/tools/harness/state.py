"""The state of the stack between two commands: ports, process ids, generated secrets."""

import fcntl
import json
import os
import socket
from contextlib import contextmanager
from pathlib import Path

from .paths import LOCAL, STATE
from .progress import Failure


def read(path: Path) -> dict:
    """A JSON file as a dictionary; empty if the file is missing."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Failure(f"{path} is not valid JSON ({error}): run `make stack-down`, delete the file, and try again") from error


def write(path: Path, value: dict) -> None:
    """Replaces a JSON file in one step, readable by its owner only: it holds the stack's passwords."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file, indent=2)
        file.write("\n")
    fresh.replace(path)


def remember(**values) -> dict:
    """Adds keys to the state file and returns the whole state."""
    state = read(STATE) | values
    write(STATE, state)
    return state


@contextmanager
def locked():
    """Runs one command at a time: a second `make stack` waits for the first."""
    LOCAL.mkdir(exist_ok=True)
    with open(LOCAL / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another command of the local stack", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def port(name: str, preferred: int) -> int:
    """The port of one part: the preferred one if it is free, else any free one."""
    for candidate in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            chosen = probe.getsockname()[1]
        remember(ports=read(STATE).get("ports", {}) | {name: chosen})
        return chosen
    raise Failure("no free TCP port on 127.0.0.1")
