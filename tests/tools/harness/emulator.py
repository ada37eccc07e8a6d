"""The AWS emulator (ministack). It runs the functions' real binaries as processes on this machine."""

import os
import urllib.error
import urllib.request

from . import processes
from .paths import STATE, TEMPORARY
from .state import port, read
from .tools import binary

REGION = "eu-central-1"


def ensure() -> str:
    """Starts the emulator if it is not running; returns its endpoint."""
    if processes.running("emulator"):
        return f"http://127.0.0.1:{read(STATE)['ports']['emulator']}"
    at_port = port("emulator", 4566)
    endpoint = f"http://127.0.0.1:{at_port}"
    TEMPORARY.mkdir(parents=True, exist_ok=True)
    processes.start("emulator", [binary("emulator", "ministack")], _environment(at_port, endpoint))
    processes.wait_ready("emulator", lambda: healthy(endpoint), seconds=60)
    return endpoint


def stop() -> bool:
    """Stops the emulator and the functions that it runs (they share its session)."""
    return processes.stop("emulator")


def healthy(endpoint: str) -> bool:
    """Whether the emulator answers."""
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def client_environment(endpoint: str) -> dict[str, str]:
    """The environment with which an AWS client calls only the emulator."""
    return {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _environment(at_port: int, endpoint: str) -> dict[str, str]:
    """The functions inherit the emulator's environment, so it is a clean one."""
    return client_environment(endpoint) | {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": str(TEMPORARY), "TMPDIR": str(TEMPORARY), "LC_ALL": "C.UTF-8",
        "GATEWAY_PORT": str(at_port), "LAMBDA_EXECUTOR": "local", "MINISTACK_REGION": REGION,
        # The domain in `{ApiId}.execute-api.localhost`; with an address the host name would be invalid.
        "MINISTACK_HOST": "localhost",
        # Loopback only. By default it listens on every interface and also opens an MQTT and an SFTP port.
        "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
    }
