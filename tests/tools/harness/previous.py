"""The programs of the previous release for the upgrade tests: built once for its commit, in `.local/previous`."""

from .commit import Programs, packages_of_functions, resolve
from .paths import FUNCTIONS, SOURCES, shown

# The only place that names the previous release. The current migrations must be able to upgrade its database.
COMMIT = SOURCES / "previous-release.txt"
PREVIOUS = Programs("previous", "previous release", ("processor", "maintenance", "notifier", "countersign"))


def ensure(_=None) -> None:
    """`previous`."""
    binaries = [argument for name in (*FUNCTIONS, "countersign", "doubles") for argument in ("--bin", name)]
    commit = resolve(COMMIT.read_text().strip(), shown(COMMIT))
    PREVIOUS.ensure(commit, [*packages_of_functions(), "--package", "tests", *binaries])
