"""The operator's command line, as used on this machine: it finds the local stack by itself."""

import subprocess

from .paths import ROOT, TARGET, shown
from .progress import Failure, say

PROGRAM = TARGET / "debug" / "countersign"


def show(*words: str) -> None:
    """Prints a command and its output."""
    say(f"   $ {shown(PROGRAM)} {' '.join(words)}\n")
    say("\n".join(f"   {line}".rstrip() for line in output(*words).decode().splitlines()))


def output(*words: str) -> bytes:
    """The output of a command."""
    done = subprocess.run([PROGRAM, *words], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise Failure(f"countersign {words[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
