"""`samconfig.toml`, in which the SAM command line stores the answers of a deployment."""

import json
import re
import shlex
import tomllib
from pathlib import Path

from .progress import Failure

# The section of the answers.
SECTION = "[default.deploy.parameters]"


class SamConfig:
    """One samconfig file."""

    def __init__(self, path: Path):
        self.path = path

    def setting(self, name: str) -> str:
        """A setting of `sam deploy`; empty if it is missing."""
        sections = self._read()
        known = (sections.get(command, {}).get("parameters", {}).get(name) for command in ("deploy", "global"))
        return next((value for value in known if value), "")

    def parameters(self) -> dict[str, str]:
        """The stored template parameters; empty before the first deployment."""
        overrides = self._read().get("deploy", {}).get("parameters", {}).get("parameter_overrides", "")
        texts = [overrides] if isinstance(overrides, str) else overrides
        try:
            pairs = [pair.partition("=") for text in texts for pair in shlex.split(text)]
        except ValueError as error:
            raise Failure(f"{self.path}: cannot parse parameter_overrides: {error}") from error
        return {name: value for name, _, value in pairs}

    def adopt(self, region: str, parameters: dict[str, str]) -> None:
        """Stores the parameters of an existing stack, as if they had been answered here."""
        text = self.path.read_text()
        if SECTION not in text:
            raise Failure(f"{self.path} has no section {SECTION}")
        if self.parameters() or not parameters:
            raise Failure(f"{self.path} already has parameters, or the stack has none to adopt")
        text = re.sub(r"^parameter_overrides *= *(\[\s*\]|\"\") *\n", "", text, flags=re.MULTILINE)
        lines = [json.dumps(f"{name}={_quoted(value)}") for name, value in sorted(parameters.items())]
        answers = "parameter_overrides = [\n" + "".join(f"    {line},\n" for line in lines) + "]"
        if not self.setting("region"):
            answers = f"region = {json.dumps(region)}\n{answers}"
        self.path.write_text(text.replace(SECTION, f"{SECTION}\n{answers}", 1))

    def _read(self) -> dict:
        try:
            return tomllib.loads(self.path.read_text()).get("default", {})
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise Failure(f"cannot read {self.path}: {error}") from error


def _quoted(value: str) -> str:
    """As the SAM command line parses it: in double quotes, with a backslash only before a double quote."""
    return '"' + value.replace('"', r'\"') + '"'
