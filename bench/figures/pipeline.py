"""Figure 5: decode, enrich with 100,000 aliases, 200 rules, correlate; in memory."""

from collections.abc import Iterator

import events
import names
import ours
from measure import against_d
from setup import Setup, agree
from table import Row


def rows(setup: Setup) -> Iterator[Row]:
    """The engine from bytes to detections."""
    known = names.made_up(100_000)
    sample = events.events(setup.count(10_000), known=[name for _, name in known])
    bodies = ours.bodies_of(sample)
    ruleset = ours.compiled(events.rules(200), events.CORRELATIONS, watchlist=ours.watchlist(known))
    first = ours.decoded_and_applied(ruleset, bodies)
    agree("two runs", first, ours.decoded_and_applied(ruleset, bodies))
    mine = against_d(bodies, lambda: ours.decoded_and_applied(ruleset, bodies), rounds=setup.rounds)
    what = "decode, enrich, 200 rules, correlate; 100,000 aliases"
    yield Row(number="5", what=what, found=mine.over_d, target=0.33, note=f"{mine}, {first:,} detections")
