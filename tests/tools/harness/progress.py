"""Progress lines on the terminal, and the error that ends a command with advice instead of a traceback."""

import sys
import time
from contextlib import contextmanager
from pathlib import Path

from .paths import shown


class Failure(Exception):
    """A failure that the user can act on; the message says what failed and what to do."""


class Steps:
    """Numbers and times the steps of one command: `[3/8] starting Postgres ... 1.2 s`."""

    def __init__(self, total: int):
        self.total = total
        self.number = 0

    @contextmanager
    def step(self, title: str):
        """Shows one step; the body may set `note["text"]`, which is shown after the time."""
        self.number += 1
        print(f"[{self.number}/{self.total}] {title} ... ", end="", flush=True)
        started = time.monotonic()
        note: dict[str, str] = {}
        try:
            yield note
        except BaseException:
            print("failed", flush=True)
            raise
        extra = f" ({note['text']})" if note.get("text") else ""
        print(f"{time.monotonic() - started:.1f} s{extra}", flush=True)


def tail(log: Path, lines: int = 25) -> str:
    """The end of a log, indented, for an error message."""
    try:
        text = log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return f"    ({shown(log)} cannot be read)"
    return "\n".join(f"    {line}" for line in text) + f"\n  whole log: {shown(log)}"


def say(text: str = "") -> None:
    """Prints one line for the user."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Prints one message on standard error."""
    print(f"\n{text}", file=sys.stderr, flush=True)


def until(condition, seconds: float, what: str, every: float = 0.1):
    """Waits until `condition()` is truthy and returns its value; raises a `Failure` that names `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"timed out after {seconds:.0f} s waiting for {what}")
        time.sleep(every)
