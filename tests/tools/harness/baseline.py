"""The processor of another commit, for the benchmark to compare with: a release build below `.local/baseline`."""

from .commit import Programs, resolve
from .paths import FUNCTIONS

# `countersign` makes the database: the schema is that of the same commit.
BASELINE = Programs("baseline", "baseline", ("processor", "countersign"), "release")


def ensure(chosen) -> None:
    """`baseline`."""
    BASELINE.ensure(resolve(chosen.commit, "BASELINE"), [*FUNCTIONS, "countersign"])
