"""Paths. Everything that the stack writes is in `.local/`, which git ignores."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "tests" / "tools"
INFRA = ROOT / "infra"
TEMPLATE = ROOT / "template.yaml"
# The nested stacks.
NESTED = [INFRA / f"{name}.yaml" for name in ("network", "database", "search", "observability")]
BUILD = ROOT / "build"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")

LOCAL = ROOT / ".local"
LOGS = LOCAL / "log"
TOOLS = LOCAL / "tools"
TEMPORARY = LOCAL / "tmp"
# A copy of template.yaml next to `build/`: code paths in the template are relative.
DEPLOYMENT = LOCAL / "deployment"
STATE = LOCAL / "state.json"
STACK = LOCAL / "stack.json"
POSTGRES = LOCAL / "postgres.json"
# The file of the audit destination `file`.
AUDIT_FILE = LOCAL / "audit" / "audit.ndjson"

FUNCTIONS = ("webhook", "processor", "notifier", "recorder", "maintenance")


def shown(path: Path) -> str:
    """A path relative to the project's root, if it is below it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
