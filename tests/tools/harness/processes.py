"""Background processes: each has a separate session, and is identified by process id and start time."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from .paths import LOGS, STATE
from .progress import Failure, tail
from .state import read, remember


def start_time(pid: int) -> str | None:
    """When a process started, in the kernel's units; None if it does not exist (or is a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip() or None


def running(name: str) -> int | None:
    """The id of a recorded process if it is still the same process (ids are recycled)."""
    known = read(STATE).get("processes", {}).get(name)
    if known and start_time(known["pid"]) == known["started"]:
        return known["pid"]
    return None


def log_of(name: str) -> Path:
    """The log file of a process."""
    return LOGS / f"{name}.log"


def start(name: str, command: list, environment: dict[str, str]) -> int:
    """Starts a process with exactly this environment, without the user's AWS or proxy settings."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(log_of(name), "ab") as log:
        try:
            process = subprocess.Popen([str(part) for part in command], env=environment, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            raise Failure(f"cannot start {name}: {error}") from error
    known = read(STATE).get("processes", {})
    remember(processes=known | {name: {"pid": process.pid, "started": start_time(process.pid)}})
    _children[process.pid] = process
    return process.pid


# Children of this process, which must reap them.
_children: dict[int, subprocess.Popen] = {}


def alive(pid: int) -> bool:
    """Whether a process runs; reaps a child that has ended."""
    if pid in _children:
        return _children[pid].poll() is None
    return start_time(pid) is not None


def wait_ready(name: str, ready, seconds: float = 30) -> None:
    """Waits until `ready()` is true; raises a `Failure` with the end of the log if the process ends or the time is up."""
    deadline = time.monotonic() + seconds
    while not ready():
        pid = running(name)
        if pid is None or not alive(pid) or time.monotonic() > deadline:
            what = f"was not ready within {seconds:.0f} s" if pid and alive(pid) else "ended before it was ready"
            raise Failure(f"{name} {what}. The end of its log:\n{tail(log_of(name))}")
        time.sleep(0.05)


def stop(name: str, with_signal: int = signal.SIGTERM, seconds: float = 15) -> bool:
    """Ends a recorded process and everything in its session; True if it was running."""
    pid = running(name)
    if pid is not None:
        os.kill(pid, with_signal)
        deadline = time.monotonic() + seconds
        while alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                deadline += seconds
            time.sleep(0.03)
        # Its id cannot be recycled while its group has members; an empty group gives ProcessLookupError.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    known = read(STATE).get("processes", {})
    known.pop(name, None)
    remember(processes=known)
    return pid is not None
