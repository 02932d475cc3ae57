"""What all figures share: how much work a run does, where its files lie, and where peers are found."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cache import Cache


class Wrong(Exception):
    """Results do not agree: nothing that was measured means anything."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One run. `scale` shrinks the counts of events for a quick run; ratios of a quick run are only a hint."""

    work: Path
    cache: Cache
    rounds: int = 5
    scale: float = 1.0
    kafka: bool = True

    def count(self, full: int, least: int = 500) -> int:
        """So many events in a full run, fewer in a quick one."""
        return max(least, round(full * self.scale))

    def written(self, name: str, lines: Sequence[bytes]) -> Path:
        """A file of JSON lines in the run's folder."""
        path = self.work / name
        path.write_bytes(b"\n".join(lines) + b"\n")
        return path


def agree(what: str, one: object, other: object) -> None:
    """Raises Wrong unless both are equal."""
    if one != other:
        raise Wrong(f"{what}: {str(one)[:200]} is not {str(other)[:200]}")


def differences(ours: set[tuple[str, int]], theirs: set[tuple[str, int]]) -> str:
    """In words, how two sets of matches (rule, number of the event) differ; the first of each kind by name."""
    if ours == theirs:
        return f"same {len(ours):,} matches"
    told = [f"{len(ours & theirs):,} matches in common"]
    for who, rest in (("ours", ours - theirs), ("theirs", theirs - ours)):
        if rest:
            rule, event = min(rest)
            told.append(f"{len(rest)} only {who}, e.g. {rule} on event {event}")
    return ", ".join(told)
