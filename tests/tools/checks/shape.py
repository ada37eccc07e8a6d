#!/usr/bin/env python3
"""Check of the shape of the Rust files: lengths, folders, names of tests, types and functions. CONTRIBUTING.md has the rules."""

import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LONGEST_FILE = 320
LONGEST_FUNCTION = 60
# Tests at the end of a file up to this length, longer ones in `tests.rs`.
LONGEST_INLINE_TESTS = 150
WORDS_OF_A_TEST = 8
# Names of free functions that need a noun.
BARE = ("of", "one", "read", "write", "entry", "text", "next", "wait")
# One public type of this name in each command or function, with the same meaning.
SHARED_TYPES = ("Arguments", "Config")

FUNCTION = re.compile(r"^( *)(?:pub(?:\([a-z ]+\))? )?(?:const )?(?:async )?fn (\w+)")
TEST = re.compile(r"#\[(?:tokio::)?test[^\]]*\](?:\s*#\[[^\]]*\])*\s*(?:async )?fn (\w+)")
TYPE = re.compile(r"^(?:    )?pub(?:\(crate\))? (?:struct|enum|trait|type) (\w+)", re.MULTILINE)
FREE = re.compile(rf"^(?:pub(?:\([a-z ]+\))? )?(?:const )?(?:async )?fn ({'|'.join(BARE)})\b", re.MULTILINE)


def main() -> int:
    """Prints every problem; 1 if there is one."""
    texts = {name: (ROOT / name).read_text() for name in listed()}
    problems = [*lengths(texts), *folders(texts), *tests(texts), *types(texts), *functions(texts)]
    for problem in problems:
        print(f"shape: {problem}", file=sys.stderr)
    if not problems:
        print(f"shape holds: {len(texts)} files")
    return 1 if problems else 0


def listed() -> list[str]:
    """Rust files of the project, also those not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.rs"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return sorted(name for name in set(names) if (ROOT / name).is_file())


def lengths(texts):
    """Files and functions are short."""
    for name, text in texts.items():
        lines = text.splitlines()
        if len(lines) > LONGEST_FILE:
            yield f"{name} has {len(lines)} lines, at most {LONGEST_FILE}: split it by subject"
        for start, line in enumerate(lines):
            if (found := FUNCTION.match(line)) and not line.rstrip().endswith((";", "}")):
                end = next((n for n in range(start + 1, len(lines)) if lines[n] == found[1] + "}"), start)
                if end - start + 1 > LONGEST_FUNCTION:
                    yield f"{name}:{start + 1}: {found[2]} has {end - start + 1} lines, at most {LONGEST_FUNCTION}: name its steps"


def folders(texts):
    """No folder of source files with one child, unless that child holds long tests."""
    children = defaultdict(set)
    for name in texts:
        parts = name.split("/")
        source = next((at for at, part in enumerate(parts) if part == "src"), None)
        if source is not None:
            for end in range(source + 2, len(parts)):
                children["/".join(parts[:end])].add(parts[end])
    for folder, names in sorted(children.items()):
        if len(subjects := {name.removesuffix(".rs") for name in names}) == 1 and subjects != {"tests"} and not folder.endswith(("/bin", "/tests")):
            yield f"{folder}/ holds only {min(names)}: move it up, or divide its subject"
        if names == {"tests.rs"} and folder + ".rs" in texts:
            length = len(texts[f"{folder}/tests.rs"].splitlines())
            if length <= LONGEST_INLINE_TESTS and length + len(texts[folder + ".rs"].splitlines()) + 2 <= LONGEST_FILE:
                yield f"{folder}/tests.rs has {length} lines: put them at the end of {folder}.rs"


def tests(texts):
    """A test's name is short."""
    for name, text in texts.items():
        for test in TEST.findall(text):
            if len(test.split("_")) > WORDS_OF_A_TEST:
                yield f"{name}: {test} has more than {WORDS_OF_A_TEST} words: condition, then result"


def types(texts):
    """No two public types of one name."""
    places = defaultdict(list)
    for name, text in texts.items():
        if name.startswith(("shared/", "functions/")) and "/tests" not in name:
            for found in TYPE.findall(text):
                places[found].append(name)
    for found, names in sorted(places.items()):
        if len(names) > 1 and found not in SHARED_TYPES:
            yield f"{found} is the name of {len(names)} types: {' '.join(names)}"


def functions(texts):
    """Names of free functions say what of."""
    for name, text in texts.items():
        for found, count in Counter(FREE.findall(text)).items():
            yield f"{name}: the function `{found}` needs a noun in its name ({count} times)"


if __name__ == "__main__":
    sys.exit(main())
