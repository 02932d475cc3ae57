"""Figure 5: decode, enrich with 100,000 aliases, 200 rules, correlate; in memory."""

from collections.abc import Iterator
from typing import Final

import events
import names
import ours
from measure import Timed, against_d
from setup import Setup, agree
from table import Row

BY_ID: Final = """
title: Somebody who is watched speaks
name: watched
logsource: {product: almenara}
detection: {s: {speaker.id: n-1}, condition: s}
---
title: Somebody who is watched is written about
name: written_about
logsource: {product: almenara}
detection: {s: {mentioned.id: n-1}, condition: s}
"""


def rows(setup: Setup) -> Iterator[Row]:
    """The engine from bytes to detections; then with rules that ask for ids, for which every event is enriched."""
    known = names.made_up(100_000)
    sample = events.events(setup.count(10_000), known=[name for _, name in known])
    bodies = ours.bodies_of(sample)
    mine, found = _measured(setup, bodies, known, events.CORRELATIONS)
    what = "decode, enrich, 200 rules, correlate; 100,000 aliases"
    yield Row(number="5", what=what, found=mine.over_d, target=0.33, note=f"{mine}, {found:,} detections")
    mine, found = _measured(setup, bodies, known, events.CORRELATIONS, BY_ID)
    what = "  and two rules that ask for ids: every event is enriched"
    yield Row(number="", what=what, found=mine.over_d, note=f"{mine}, {found:,} detections")


def _measured(setup: Setup, bodies: list[bytes], known: list[tuple[str, str]], *more: str) -> tuple[Timed, int]:
    ruleset = ours.compiled(events.rules(200), *more, watchlist=ours.watchlist(known))
    first = ours.decoded_and_applied(ruleset, bodies)
    agree("two runs", first, ours.decoded_and_applied(ruleset, bodies))
    return against_d(bodies, lambda: ours.decoded_and_applied(ruleset, bodies), rounds=setup.rounds), first
