"""The processor of another commit, as the benchmark's baseline: a release build below `.local/baseline`."""

from .commit import Programs, packages_of_functions, resolve

# `countersign` migrates the database to the schema of the same commit.
BASELINE = Programs("baseline", "baseline", ("processor", "countersign"), "release")


def ensure(chosen) -> None:
    """`baseline`."""
    binaries = [argument for name in BASELINE.programs for argument in ("--bin", name)]
    BASELINE.ensure(resolve(chosen.commit, "BASELINE"), ["--release", *packages_of_functions(), *binaries])
