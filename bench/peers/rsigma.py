"""rsigma (Rust, cargo): Sigma rules over JSON lines, as a program."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from cache import Cache
from process import Took, run

VERSION: Final = "0.23.0"
# With its default features: without them this version does not compile. Its optional index over all rules
# (`daachorse-index`, --cross-rule-ac) and its bloom filter made no difference on what is measured here.


@dataclass(frozen=True, slots=True)
class Rsigma:
    """The program and the settings with which it is asked."""

    program: Path
    output: Path
    extra: tuple[str, ...] = ()

    def evaluate(self, rules: Path, events: Path, *, whole: Path | None = None) -> Took:
        """Rules over a file of JSON lines; with `whole` the matches are kept there, each with its event."""
        kept = ("--include-event",) if whole else ()
        return run([*self.command(rules), *kept], stdin=events, stdout=whole or self.output)

    def command(self, rules: Path) -> list[str | Path]:
        """The words that start it; events are given on standard input."""
        return [self.program, "engine", "eval", "-r", rules, "--input-format", "json", *self.extra]

    def with_settings(self, *extra: str) -> "Rsigma":
        """The same program, asked otherwise."""
        return replace(self, extra=(*self.extra, *extra))


def installed(cache: Cache, work: Path) -> Rsigma:
    """The program; what it prints goes to a file in `work`. Raises Missing."""
    return Rsigma(cache.program("rsigma", VERSION), work / "rsigma.jsonl")


def matches(output: Path) -> set[tuple[str, int]]:
    """(name of the rule, number of the event) of an output with events."""
    return {_match(json.loads(line)) for line in output.read_bytes().splitlines() if line.strip()}


def _match(said: dict[str, Any]) -> tuple[str, int]:
    return said["rule_title"], int(said["event"]["id"].rpartition("-")[2])
