"""Almenara and rsigma over the same events in turns: JSON lines in, matches out, and how the matches differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

import ours
from availability import Missing
from measure import Timed, d_seconds, middle, timed
from peers import rsigma
from peers.rsigma import Rsigma
from setup import Setup, differences

AT_LEAST_S: Final = 0.5
MOST_REPEATED: Final = 20


@dataclass(frozen=True, slots=True)
class Case:
    """The same rules and events for both. `theirs` are the lines as rsigma takes them, `settings` how it is asked."""

    rules: Sequence[str]
    lines: list[bytes]
    theirs: list[bytes]
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """`ratio` is the median of ours over rsigma's, None where it is missing; `seen` says the rest in words."""

    mine: Timed
    matches: set[tuple[str, int]]
    ratio: float | None
    seen: str


def duel(setup: Setup, case: Case) -> Outcome:
    """Round by round D, rsigma and ours; the start of the programs is not counted."""
    folder = written(setup.work / "rules", case.rules)
    content = ours.content(*case.rules)
    into = setup.work / "ours.jsonl"
    try:
        peer = rsigma.installed(setup.cache, setup.work).with_settings(*case.settings)
    except Missing as reason:
        rounds, matches = ours.passes(content, case.lines, setup.rounds, into, lambda: d_seconds(case.lines))
        return Outcome(timed(rounds, bodies=len(case.lines)), matches, None, str(reason))
    theirs = _Theirs(setup, peer, folder, case.theirs)
    peer_s: list[float] = []

    def between() -> float:
        peer_s.append(theirs.seconds())
        return d_seconds(case.lines)

    rounds, matches = ours.passes(content, case.lines, setup.rounds, into, between)
    seen = f"rsigma {len(case.lines) / min(peer_s):,.0f}/s; {differences(matches, theirs.matches())}"
    ratio = middle([took / own for took, (_, own) in zip(peer_s, rounds, strict=True)])
    return Outcome(timed(rounds, bodies=len(case.lines)), matches, ratio, seen)


class _Theirs:
    """rsigma over the lines, so often in one run that its start, which is taken off, is no more than a part."""

    def __init__(self, setup: Setup, peer: Rsigma, rules: Path, lines: list[bytes]) -> None:
        self._peer, self._rules, self._setup = peer, rules, setup
        self._once = setup.written("once.jsonl", lines)
        self._first = setup.written("first.jsonl", lines[:1])
        self._all, self._repeated = self._once, 1
        self._repeated = min(MOST_REPEATED, max(1, ceil(AT_LEAST_S / self.seconds())))
        self._all = setup.written("all.jsonl", lines * self._repeated)

    def seconds(self) -> float:
        """For the lines once."""
        start = self._peer.evaluate(self._rules, self._first).cpu
        return max(self._peer.evaluate(self._rules, self._all).cpu - start, 0.001) / self._repeated

    def matches(self) -> set[tuple[str, int]]:
        """What it finds in them."""
        whole = self._setup.work / "rsigma-whole.jsonl"
        self._peer.evaluate(self._rules, self._once, whole=whole)
        return rsigma.matches(whole)


def written(folder: Path, rules: Sequence[str]) -> Path:
    """A folder that holds these rules and nothing else."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, text in enumerate(rules):
        (folder / f"{number}.yml").write_text(text, "utf-8")
    return folder
