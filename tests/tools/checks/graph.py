#!/usr/bin/env python3
"""Checks the architecture: which crate may depend on what, and which crates do no IO."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PURE = ("model", "rules", "inbound", "audit", "trace")
FUNCTIONS = ("webhook", "processor", "notifier", "recorder", "maintenance")
# Names or prefixes (ending in -) of crates that do IO.
IO = ("tokio", "reqwest", "hyper", "aws-", "lambda_runtime", "lambda_http", "tokio-postgres", "rustls")
# One TLS stack with one crypto provider: rustls with ring. (The AWS SDK always links rustls-native-certs; our clients are built with
# explicit roots and never load it.)
OTHER_TLS = ("aws-lc-", "openssl", "openssl-sys", "native-tls", "schannel", "security-framework")
# The only files that may use what `clippy.toml` forbids everywhere else, so that every call out of the process is audited. Each marks the
# place with `#[expect(clippy::disallowed_methods, reason = ...)]`, which fails if the lint does not apply there.
FORBIDDEN = "clippy::disallowed_methods"
MAY_DO_IT = {
    "shared/clients/src/http.rs": "sends a request inside an audit record",
    "shared/clients/src/http/options.rs": "builds the client that sends",
    "shared/runtime/src/aws.rs": "builds the clients of AWS's SDK",
    "shared/runtime/src/aws/events.rs": "builds one more of them",
    "shared/runtime/src/aws/http.rs": "builds the HTTP client that they use",
    "shared/audit_delivery/src/destinations/http.rs": "posts entries, for services without the audited client",
    "shared/audit_delivery/src/destinations/syslog/datagram.rs": "sends entries",
    "shared/audit_delivery/src/destinations/syslog/stream.rs": "sends entries",
    "shared/audit_delivery/examples/agent.rs": "example of another service: defines actions, reads the environment",
    "shared/store/src/connection.rs": "moves the bytes of a database connection",
    "shared/runtime/src/config.rs": "reads the environment",
    "shared/model/src/clock.rs": "reads the system clock",
    "shared/cli/src/output/terminal.rs": "reads NO_COLOR",
}
# Which crates may depend directly on a family of crates.
OWNERS = {"tokio-postgres": {"store", "doubles", "integration", "bench"}, "refinery": {"store", "integration"}, "aws-sdk-": {"runtime"}, "reqwest": {"clients", "doubles", "integration", "bench"}}


def main() -> int:
    """Prints every violation; 1 if there is one."""
    problems = [*impure(), *embeddable(), *two_providers(), *functions_apart(), *wrong_owners(), *ways_around()]
    for problem in problems:
        print(f"dependency rule violated: {problem}", file=sys.stderr)
    if not problems:
        print("dependency rules hold: pure crates, one TLS stack, independent functions, one owner for each service, every call audited")
    return 1 if problems else 0


def tree(*arguments: str) -> set[tuple[str, str]]:
    """Names and versions from `cargo tree`, without development dependencies."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}", *arguments]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {(name, version) for name, version, *_ in (line.split() for line in lines if line)}


def matches(name: str, patterns) -> bool:
    """Whether a crate has one of these names, or begins with one that ends in a hyphen."""
    return any(name == pattern or (pattern.endswith("-") and name.startswith(pattern)) for pattern in patterns)


def impure():
    """Pure crates do no IO and contain no async code."""
    for crate in PURE:
        for name, _ in tree("--package", crate):
            if matches(name, IO):
                yield f"{crate} is pure but depends on {name}: `cargo tree -p {crate} -i {name}`"
        for source in sorted((ROOT / "shared" / crate / "src").rglob("*.rs")):
            for number, line in enumerate(source.read_text().splitlines(), 1):
                if re.search(r"\basync\s+(fn|move|\{)", line.partition("//")[0]):
                    yield f"{source.relative_to(ROOT)}:{number}: {crate} is pure and must not contain async code"


def embeddable():
    """The crate with the queue and the destinations brings no async runtime and no AWS crate into another service."""
    for name, _ in sorted(tree("--package", "audit_delivery", "--all-features")):
        if matches(name, ("tokio", "reqwest", "hyper", "aws-", "lambda_runtime", "lambda_http", "tokio-postgres")):
            yield f"audit_delivery is embedded by other services but depends on {name}: `cargo tree -p audit_delivery --all-features -i {name}`"


def ways_around():
    """Only the files in MAY_DO_IT use what the lints forbid."""
    sources = [source for top in ("shared", "functions") for source in (ROOT / top).rglob("*.rs")]
    doing = {str(source.relative_to(ROOT)) for source in sources if FORBIDDEN in source.read_text()}
    for name in sorted(doing - MAY_DO_IT.keys()):
        yield f"{name} overrides {FORBIDDEN}; only files in MAY_DO_IT may. See clippy.toml for the replacement"
    for name in sorted(MAY_DO_IT.keys() - doing):
        yield f"{name} no longer overrides {FORBIDDEN}; remove it from MAY_DO_IT"


def two_providers():
    """One crypto provider, one rustls."""
    everything = tree("--workspace")
    for name, _ in sorted(everything):
        if matches(name, OTHER_TLS):
            yield f"{name} is in the dependency graph; the only TLS stack is rustls with ring: `cargo tree -i {name}`"
    versions = sorted(version for name, version in everything if name == "rustls")
    if len(versions) != 1:
        yield f"the graph must contain rustls exactly once, found {versions or 'none'}: `cargo tree --duplicates`"


def functions_apart():
    """A function never depends on another."""
    for function in FUNCTIONS:
        for name, _ in tree("--package", function):
            if name in FUNCTIONS and name != function:
                yield f"function {function} depends on function {name}: move the shared code to shared/"


def wrong_owners():
    """Each external service has one crate that calls it."""
    for manifest in sorted([*ROOT.glob("shared/*/Cargo.toml"), *ROOT.glob("functions/*/Cargo.toml"), *ROOT.glob("tests/*/Cargo.toml")]):
        crate = manifest.parent.name
        section = ""
        for line in manifest.read_text().splitlines():
            section = line.strip() if line.startswith("[") else section
            name = re.match(r"([\w-]+)\s*[.=]", line)
            if not name or section != "[dependencies]":
                continue
            for pattern, owners in OWNERS.items():
                if matches(name[1], (pattern,)) and crate not in owners:
                    yield f"{crate} depends on {name[1]}; only {', '.join(sorted(owners))} may"


if __name__ == "__main__":
    sys.exit(main())
