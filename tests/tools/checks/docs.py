#!/usr/bin/env python3
"""Checks the documentation: the tests, tasks and parameters it names exist, and its links resolve."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("shared", "functions", "tests")
# The page and the heading of the table whose last column names tests.
PAGE = "docs/requirements.md"
TABLE = "## What it does, and what shows it"
# Code words with fewer parts than this are not test names.
FEWEST_PARTS = 4


def main() -> int:
    """Prints every problem; 1 if there is one."""
    pages = {name: (ROOT / name).read_text() for name in listed("*.md")}
    problems = [*proofs(pages[PAGE]), *tasks(pages), *parameters(pages), *links(pages)]
    for problem in problems:
        print(f"documentation check failed: {problem}", file=sys.stderr)
    if not problems:
        print("documentation is consistent: tests, tasks, parameters and links exist")
    return 1 if problems else 0


def listed(pattern: str) -> list[str]:
    """Files of the project by name, also those not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).exists()]


def proofs(page: str):
    """Each name in the last column of the table is the name of a function."""
    known = set()
    for source in listed("*.rs"):
        known.update(re.findall(r"\bfn (\w+)", (ROOT / source).read_text()))
    section = page.split(TABLE)[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| id")]
    if not rows:
        yield f"{PAGE}: no rows under {TABLE!r}"
    for row in rows:
        for name in re.findall(r"`(\w+)`", row.rstrip(" |").rpartition(" | ")[2]):
            if name.count("_") >= FEWEST_PARTS - 1 and name not in known:
                yield f"{PAGE}: no test has the name {name}"


def tasks(pages: dict[str, str]):
    """Each `make task` exists in the Makefile, and the README prints the two that everyone needs."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for task in ("run", "test"):
        if not re.search(rf"^make {task}\b", pages["README.md"], re.MULTILINE):
            yield f"README.md: does not print `make {task}`, which a newcomer and CI run"
    for name, text in pages.items():
        for task in map("".join, re.findall(r"`make ([a-z][a-z-]*)|^make ([a-z][a-z-]*)(?= +#| +[A-Z]+=|$)", text, re.MULTILINE)):
            if task not in known:
                yield f"{name}: the Makefile has no task {task}"


def parameters(pages: dict[str, str]):
    """Each `Parameter=value`, and each parameter of a nested stack, is a parameter of the root template."""
    settable = declared(ROOT / "template.yaml")
    nested = set().union(*(declared(path) for path in (ROOT / "infra").glob("*.yaml"))) - settable
    for name, text in pages.items():
        given = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]*)=", text))
        for parameter in sorted(given - settable | nested & set(re.findall(r"`([A-Z][A-Za-z]+)`", text))):
            yield f"{name}: template.yaml has no parameter {parameter}"


def declared(template: Path) -> set[str]:
    """The names of a template's parameters."""
    section = re.search(r"^Parameters:\n((?:(?:  .*)?\n)+)", template.read_text(), re.MULTILINE)
    return set(re.findall(r"^  (\w+):", section.group(1), re.MULTILINE)) if section else set()


def links(pages: dict[str, str]):
    """Each relative link names an existing file, and an existing heading if it has one."""
    for name, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, heading = target.partition("#")
            there = ((ROOT / name).parent / path).resolve() if path else ROOT / name
            if not there.exists():
                yield f"{name}: {target} does not exist"
            elif heading and heading not in headings(there.read_text()):
                yield f"{name}: {target}: the heading does not exist"


def headings(text: str) -> set[str]:
    """Anchors as GitHub and GitLab generate them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


if __name__ == "__main__":
    sys.exit(main())
