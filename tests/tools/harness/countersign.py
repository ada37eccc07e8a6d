"""The operator's command line, as somebody on this machine uses it: it finds the local stack by itself."""

import subprocess

from .paths import ROOT, TARGET, shown
from .progress import Failure, say

PROGRAM = TARGET / "debug" / "countersign"


def show(*words: str) -> None:
    """Prints a command and what it prints."""
    say(f"   $ {shown(PROGRAM)} {' '.join(words)}\n")
    say("\n".join(f"   {line}".rstrip() for line in output(*words).decode().splitlines()))


def output(*words: str) -> bytes:
    """What a command prints."""
    done = subprocess.run([PROGRAM, *words], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise Failure(f"countersign {words[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
