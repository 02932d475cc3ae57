"""Figures 3 and 9: a file of JSON lines in, a file of matches out, against other evaluators of Sigma rules."""

from collections.abc import Iterator
from typing import Final

import events
from availability import Missing
from duel import Case, Outcome, duel
from events import FLAT, NESTED
from peers import zargunlite, zircolite
from setup import Setup, differences
from table import Row, skipped

OVER_RSIGMA: Final = {(NESTED, 200): 3.0, (NESTED, 1_000): 7.0, (FLAT, 200): 1.25, (FLAT, 1_000): 2.5}
OVER_ZIRCOLITE: Final = {200: 12.0, 1_000: 50.0}
ZARGUNLITE_LINES: Final = 2_000


def rows(setup: Setup) -> Iterator[Row]:
    """For both shapes of events and both sizes of rulesets."""
    for (shape, count), target in OVER_RSIGMA.items():
        lines = events.lines(setup.count(20_000, least=ZARGUNLITE_LINES), shape)
        rules = events.rules(count, shape)
        found = duel(setup, Case([rules], lines, lines))
        what = f"{count:,} rules, JSON lines to matches, {shape.name}"
        yield Row(number="", what=what, found=found.mine.over_d, note=str(found.mine))
        yield over_rsigma("9", "  over rsigma", found, target)
        if shape is NESTED:
            yield skipped("3", "  over Zircolite", zircolite.WHY_NOT)
            yield _over_zargunlite(setup, rules, lines[:ZARGUNLITE_LINES], found, OVER_ZIRCOLITE[count])


def over_rsigma(number: str, what: str, found: Outcome, target: float) -> Row:
    """The row of a duel."""
    if found.ratio is None:
        return skipped(number, what, found.seen)
    return Row(number=number, what=what, found=found.ratio, unit="x", target=target, note=found.seen)


def _over_zargunlite(setup: Setup, rules: str, lines: list[bytes], mine: Outcome, target: float) -> Row:
    what = "  over zargunlite"
    written, some = setup.work / "rules.yml", setup.written("some.jsonl", lines)
    written.write_text(rules, "utf-8")
    try:
        theirs, found = zargunlite.evaluate(setup.cache, written, some, count=len(lines), rounds=2)
    except Missing as reason:
        return skipped("3", what, reason)
    seen = differences({match for match in mine.matches if match[1] < len(lines)}, found)
    ratio = mine.mine.over_d / theirs.over_d
    return Row(number="3", what=what, found=ratio, unit="x", target=target, note=f"zargunlite {theirs}; {seen}")
