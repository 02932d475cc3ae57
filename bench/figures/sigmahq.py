"""Figures 2 and 10: as many rules as SigmaHQ has, by log source and without."""

from collections.abc import Iterator
from typing import Final

import ours
import sigmahq
from duel import Case, duel
from figures.jsonl import over_rsigma
from setup import Setup, agree
from table import Row

ROUTED: Final = ("--logsource-routing", "--logsource-field-map", "category=category,product=product")
ORACLE_EVENTS: Final = 200


def rows(setup: Setup) -> Iterator[Row]:
    """The share of rules evaluated for an event, and both rates over rsigma's."""
    rules = sigmahq.rules()
    made = sigmahq.events(setup.count(20_000, least=2_000))
    cloud, plain = [sigmahq.cloud(event) for event in made], [sigmahq.plain(event) for event in made]
    yield _share(rules, cloud)
    like = f"{sigmahq.RULES:,} rules like SigmaHQ's"
    by_source = duel(setup, Case(rules, cloud, plain, ROUTED))
    what = f"{like}, JSON lines to matches, by log source"
    yield Row(number="", what=what, found=by_source.mine.over_d, note=str(by_source.mine))
    yield over_rsigma("10", "  over rsigma", by_source, 1.2)
    without = duel(setup, Case(rules, plain, plain))
    yield Row(number="", what=f"{like}, without", found=without.mine.over_d, note=str(without.mine))
    yield over_rsigma("10", "  over rsigma", without, 1.0)


def _share(rules: list[str], lines: list[bytes]) -> Row:
    ruleset = ours.kept(*rules)
    some = [ours.cloud_event(line) for line in lines[:2_000]]
    checked = some[:ORACLE_EVENTS]
    agree("matcher and oracle", [*map(ours.matcher(ruleset), checked)], [*map(ours.oracle(ruleset), checked)])
    share = 100 * sum(ours.candidates(ruleset, event) for event in some) / len(some) / sigmahq.RULES
    return Row(
        number="2",
        what=f"share of {sigmahq.RULES:,} rules like SigmaHQ's evaluated per event",
        found=share,
        unit="%",
        target=1.0,
        at_most=True,
        note="no difference from the oracle; SigmaHQ's own rules are in no package registry",
    )
