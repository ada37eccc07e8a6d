#!/usr/bin/env python3
"""Check of the files of each crate: no two import each other, directly or through others. A module and its parents count as one."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# `use` declarations and paths in code that begin at the crate or at a parent.
PATH = re.compile(r"\b((?:crate|self|super)(?:::super)*(?:::\w+)*)(?:::\{|\b)")
# Tests at the end of a file may name anything.
TESTS = re.compile(r"^#\[cfg\(test\)\]\s*mod \w+ \{", re.MULTILINE)
TEST_FILES = re.compile(r"tests?|\w+_tests|testing|fixtures")
GROUP = re.compile(r"\buse ([\w:]+)::\{([^;]*)\};", re.DOTALL)


def main() -> int:
    """Prints every circle; 1 if there is one."""
    circles = [circle for crate in crates() for circle in circles_of(crate)]
    for circle in circles:
        print(f"import cycle between files: {' '.join(circle)}", file=sys.stderr)
    if not circles:
        print("no import cycles between files")
    return 1 if circles else 0


def crates() -> list[Path]:
    """Source folders of all crates."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*/Cargo.toml"]
    manifests = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return sorted(source for manifest in manifests if (source := (ROOT / manifest).parent / "src").is_dir())


def circles_of(source: Path) -> list[list[str]]:
    """Circles among the files below one source folder."""
    files = {module_of(source, path): path for path in sorted(source.rglob("*.rs"))}
    modules = {name: path for name, path in files.items() if not any(TEST_FILES.fullmatch(part) for part in name)}
    edges = {name: imports(name, path.read_text(), modules) for name, path in modules.items()}
    return [[str(modules[name].relative_to(ROOT)) for name in circle] for circle in strongly_connected(edges)]


def module_of(source: Path, path: Path) -> tuple[str, ...]:
    """The module that a file holds, as the parts of its path."""
    parts = path.relative_to(source).with_suffix("").parts
    return () if parts in (("lib",), ("main",)) else parts


def imports(name: tuple[str, ...], text: str, modules) -> set[tuple[str, ...]]:
    """The modules that a file names, without its parents and children."""
    code = re.sub(r"//.*", "", TESTS.split(text)[0])
    paths = [match[1].split("::") for match in PATH.finditer(code)]
    for prefix, group in GROUP.findall(code):
        if prefix.split("::")[0] in ("crate", "self", "super"):
            paths += [[*prefix.split("::"), *item.split(" as ")[0].strip().split("::")] for item in re.sub(r"\{[^}]*\}", "", group).split(",")]
    found = {resolved(name, path, modules) for path in paths}
    return {other for other in found if other is not None and other[: len(name)] != name and name[: len(other)] != other}


def resolved(name: tuple[str, ...], path: list[str], modules) -> tuple[str, ...] | None:
    """The longest part of a path that is a module with a file."""
    base = list(name)
    if path[0] == "crate":
        base, path = [], path[1:]
    while path and path[0] in ("self", "super"):
        base = base[:-1] if path[0] == "super" else base
        path = path[1:]
    parts = (*base, *path)
    return next((parts[:end] for end in range(len(parts), -1, -1) if parts[:end] in modules), None)


def strongly_connected(edges) -> list[list]:
    """Groups of more than one node that reach each other (Tarjan)."""
    index, low, stack, groups = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges[node]):
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                groups.append(sorted(group))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return groups


if __name__ == "__main__":
    sys.exit(main())
