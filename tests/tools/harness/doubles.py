"""The doubles of GitLab, Slack, Linear, Jira, Confluence and a SIEM: real HTTP servers of the tests crate, controlled through `/_double/...`."""

import json
import os
import urllib.error
import urllib.request

from . import processes
from .paths import STATE, TARGET
from .state import port, read, remember

SERVICES = {"gitlab": 4570, "slack": 4571, "siem": 4572, "linear": 4573, "jira": 4574, "confluence": 4575}


def ensure() -> dict[str, str]:
    """Starts the doubles if they are not running or are an older build; returns the base URL of each."""
    binary = TARGET / "debug" / "doubles"
    build = [binary.stat().st_mtime_ns, binary.stat().st_size]
    if processes.running("doubles") and read(STATE).get("doubles_build") != build:
        stop()
    if not processes.running("doubles"):
        addresses = {name: f"127.0.0.1:{port(name, preferred)}" for name, preferred in SERVICES.items()}
        arguments = [argument for name, address in addresses.items() for argument in (f"--{name}", address)]
        processes.start("doubles", [binary, *arguments], {"PATH": os.environ.get("PATH", os.defpath)})
        remember(doubles_build=build)
        processes.wait_ready("doubles", lambda: all(_answers(f"http://{address}") for address in addresses.values()))
    ports = read(STATE)["ports"]
    return {name: f"http://127.0.0.1:{ports[name]}" for name in SERVICES}


def stop() -> bool:
    """Stops the doubles."""
    return processes.stop("doubles")


def set_world(base: str, patch: dict) -> None:
    """Changes the state of a double by a JSON merge patch (RFC 7396)."""
    _control(base, "PUT", "/_double/world", patch)


def world(base: str) -> dict:
    """The state of a double."""
    return _control(base, "GET", "/_double/world")


def requests(base: str) -> list[dict]:
    """Every request that a double received, oldest first."""
    return _control(base, "GET", "/_double/requests")


def _answers(base: str) -> bool:
    try:
        requests(base)
    except (urllib.error.URLError, OSError, ValueError):
        return False
    return True


def _control(base: str, method: str, path: str, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        text = answer.read()
    return json.loads(text) if text.strip() else None
