#!/usr/bin/env python3
"""Check of the vocabulary: plain words of the trade in documents, comments, strings and names. docs/glossary.md explains them."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FILES = ("*.md", "*.rs", "*.py", "*.yaml", "*.toml", "*.sql", "*.sh", "Makefile", ".ci/run")
# The glossary and this list name the words; released migrations and samples of their rows are never edited.
EXEMPT = ("docs/glossary.md", "tests/tools/checks/vocabulary.py", "shared/store/migrations/", "tests/integration/src/store/samples/", "LICENSE")
# Names that are contract: tables, views, columns, metrics, stored codes, and words of other systems.
CONTRACT = re.compile(
    r"(?<=[.:])is_none\w*"  # of the standard library
    r"|\b(security_review_unjudged|evaluations_judged|merges_unjudged|MergesUnjudged\w*|V2__audit_trail|not_carried|countersign-told-)"
    r'|"stands":'  # a key of `countersign explain --format json`
    r"|[Cc]loud[Tt]rail|AllAtOnce|\bis (not )?None\b"  # of AWS, and of Python
    r'|"nobody"'  # an account of Unix
    r"|somebody has changed the issue|please look at"  # Jira's words
)
# What to avoid, as a pattern over lower-case words, and what to write. Names are split into their words first.
WORDS = (
    (r"told|tell|tells|telling", "report, record, log, send, show (told apart: distinguished)"),
    (r"anew", "again, retry, reload"),
    (r"whoever|somebody|nobody", "user, caller, sender, operator, or the passive"),
    (r"besides", "also, in addition"),
    (r"stands", "is current, is"),
    (r"trails?", "audit log"),
    (r"troubles?|troubled", "failure, error, problem"),
    (r"harmless(?:ly)?", "sanitized, escaped, safe"),
    (r"judge|judges|judged|judging|judgements?|judgments?", "decide, decision, verdict; assess, assessment (webhook)"),
    (r"witness|witnesses", "GitLab answer, event history, source"),
    (r"heard|hearing", "received"),
    (r"archived? (?:merge|merges|mr)|tracker archive", "effects, connectors, evidence"),
    (r"in force", "current, in effect"),
    (r"for good(?! reason)", "permanently"),
    (r"at once", "immediately, or concurrently"),
    (r"in sight|into sight", "found"),
    (r"carry out|carries out|carried out|carrying out", "apply"),
    (r"of (?:its|their|our|my|his|her) own", "dedicated, separate, or leave it out"),
    (r"is none|are none", "invalid, missing, is not a ..."),
    (r"(?<!there )is no(?! (?:longer|more|such))", "is not a, is invalid, is missing"),
    (r"tak(?:e|es|ing) in|taken in|took in", "process, accept, record"),
    (r"came out|come out|comes out", "the result is"),
    (r"at the door", "by the webhook"),
    (r"beget|begets", "trigger, cause"),
    (r"cannot be had|can not be had", "is unavailable"),
    (r"has not the form", "is malformed"),
    (r"must look", "needs manual intervention"),
    (r"given room|make room for", "created"),
    (r"goes on|go on", "continues"),
    (r"set aside", "quarantined, kept"),
    (r"in the way of", "blocks"),
    (r"no matter (?:what|who|how)", "any, regardless of"),
    (r"what is meant", "meaning"),
    (r"look(?:s|ed|ing)? at(?! (?:the|https))|has a look", "check, inspect, read"),
    (r"ways? of one|weigh(?:s|ed)? again|said is said", "life of a ..., evaluate again, already posted"),
    (r"will come again|comes? again(?! later)", "is redelivered, retried"),
    (r"environs", "execution environment"),
)
PATTERNS = tuple((re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s")), better) for pattern, better in WORDS)
# What a line of a comment, a list, a quotation or a continued string begins with.
MARKS = re.compile(r"^(///?|//!|#|\*|-|>|\|)+ ?|\\$")


def main() -> int:
    """Prints every place with a word to avoid and its replacement; 1 if there is one."""
    names = [name for name in listed() if not name.startswith(EXEMPT)]
    hits = [hit for name in names for hit in avoided(name, (ROOT / name).read_text(errors="replace"))]
    for hit in hits:
        print(hit, file=sys.stderr)
    print(f"vocabulary: {len(hits)} words to avoid in {len(names)} files" + (" (docs/glossary.md has the words)" if hits else ""))
    return 1 if hits else 0


def listed() -> list[str]:
    """Text files of the project, also those not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FILES]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(name for name in set(names) if (ROOT / name).is_file())


def avoided(name: str, text: str):
    """Each word to avoid in a file, also where a line ends between two words."""
    spoken_text = "\n".join(spoken(line) for line in text.splitlines())
    for pattern, better in PATTERNS:
        for found in pattern.finditer(spoken_text):
            number = spoken_text.count("\n", 0, found.start()) + 1
            yield f"{name}:{number}: avoid {' '.join(found.group().split())!r}: {better}"


def spoken(line: str) -> str:
    """A line as lower-case words, names split at their joints, names that are contract left out."""
    line = CONTRACT.sub(" ", line)
    line = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", line.replace("_", " "))
    return MARKS.sub("", re.sub(r"\s+", " ", line).strip().lower()).strip()


if __name__ == "__main__":
    sys.exit(main())
