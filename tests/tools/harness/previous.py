"""The programs of the previous release, for the tests of an upgrade: built once for its commit, below `.local/previous`."""

from .commit import Programs, resolve
from .paths import FUNCTIONS, SOURCES, shown

# The one place that names the release. It must be one that the current migrations can follow.
COMMIT = SOURCES / "previous-release.txt"
PREVIOUS = Programs("previous", "previous release", ("processor", "maintenance", "notifier", "countersign"))


def ensure(_=None) -> None:
    """`previous`."""
    commit = resolve(COMMIT.read_text().strip(), shown(COMMIT))
    PREVIOUS.ensure(commit, [*FUNCTIONS, "countersign", "doubles"])
