"""Figures 1 and 2: rules over decoded events, evaluation only, and how the rate holds when there are more rules."""

from collections.abc import Callable, Iterator, Sequence

import events
import ours
from almenara.domain.event import Event
from measure import Timed, against_d
from setup import Setup, agree
from table import Row

ORACLE_EVENTS = 500


def rows(setup: Setup) -> Iterator[Row]:
    """200 rules over D; the rate with 1,000 rules over the rate with 100."""
    sample = events.events(setup.count(10_000))
    bodies = ours.bodies_of(sample)
    found: dict[int, Timed] = {}
    for count in (100, 200, 1_000):
        ruleset = ours.compiled(events.rules(count))
        holding, plainly = ours.matcher(ruleset), ours.oracle(ruleset)
        checked = sample[:ORACLE_EVENTS]
        agree(f"{count} rules, matcher and oracle", [*map(holding, checked)], [*map(plainly, checked)])
        found[count] = against_d(bodies, _over(sample, holding), rounds=setup.rounds)
    seen = f"{found[200]}, no difference from the oracle"
    yield Row(number="1", what="200 rules, evaluation only", found=found[200].over_d, target=0.75, note=seen)
    kept = found[1_000].over_d / found[100].over_d
    rates = f"{found[1_000]} with 1,000, {found[100]} with 100"
    yield Row(number="2", what="rate with 1,000 rules over that with 100", found=kept, unit="", target=0.45, note=rates)


def _over(sample: Sequence[Event], holding: Callable[[Event], object]) -> Callable[[], None]:
    def work() -> None:
        for event in sample:
            holding(event)

    return work
