"""Figures 8 and 12: counts in windows and absences over 100,000 keys, against bytewax and Esper.

Told twice: the detector alone, over events that are known to meet its members, and the whole engine around it. Both
over D, the rate of decoding events of 1.1 KB, though these events are small: they were decoded before.
"""

from collections.abc import Callable, Iterator
from typing import Final

import correlating
import events
import ours
from availability import Missing
from measure import Timed, against_d
from peers import bytewax, esper, flink
from setup import Setup, agree
from table import Row, skipped

EVENTS: Final = 300_000
BODIES: Final = 20_000


def rows(setup: Setup) -> Iterator[Row]:
    """Counts, then absences."""
    bodies = events.lines(BODIES, events.NESTED)
    setup.written("bodies.jsonl", bodies)
    yield from _counts(setup, bodies)
    yield from _absences(setup, bodies)


def _counts(setup: Setup, bodies: list[bytes]) -> Iterator[Row]:
    stream = correlating.bursts(setup.count(EVENTS))
    made = correlating.counted_events(stream)
    batches = [made[start : start + correlating.A_STEP] for start in range(0, len(made), correlating.A_STEP)]
    ruleset = ours.compiled(correlating.COUNTING)
    found = ours.applied(ruleset, batches)
    signals = ours.signals(ruleset, batches)
    agree("counts, engine and detector", found, ours.detected(ruleset, "many", signals))
    alone = _measured(setup, bodies, len(stream), lambda: ours.detected(ruleset, "many", signals))
    whole = _measured(setup, bodies, len(stream), lambda: ours.applied(ruleset, batches))
    yield Row(number="8", what="window counts, 100,000 keys", found=alone.over_d, target=2.5, note=f"detector {alone}")
    yield Row(number="", what="  with the engine around", found=whole.over_d, note=str(whole))
    path = setup.work / "bodies.jsonl"
    width = correlating.WIDTH_S
    try:
        theirs, windows = bytewax.count(
            setup.cache, setup.work, stream, width_s=width, least=correlating.LEAST, bodies=path
        )
    except Missing as reason:
        yield skipped("8", "  over bytewax count_window", reason)
        return
    own = {(stream[int(d.slot)][0], stream[int(d.slot)][1] // width * width) for d in found}
    agree("counts, ours and bytewax", own, windows)
    seen = f"bytewax {theirs}; the same {len(own):,} windows"
    ratio = alone.over_d / theirs.over_d
    yield Row(number="8", what="  over bytewax count_window", found=ratio, unit="x", target=15, note=seen)


def _absences(setup: Setup, bodies: list[bytes]) -> Iterator[Row]:
    stream = correlating.followed(setup.count(EVENTS))
    batches = correlating.batches(correlating.followed_events(stream))
    ruleset = ours.compiled(correlating.ABSENCE)
    found = ours.applied(ruleset, batches)
    signals = ours.signals(ruleset, batches)
    agree("absences, engine and detector", len(found), len(ours.detected(ruleset, "absent", signals)))
    alone = _measured(setup, bodies, len(stream), lambda: ours.detected(ruleset, "absent", signals))
    whole = _measured(setup, bodies, len(stream), lambda: ours.applied(ruleset, batches))
    yield Row(number="8", what="absence, 100,000 keys", found=alone.over_d, target=2.5, note=f"detector {alone}")
    yield Row(number="", what="  with the engine around", found=whole.over_d, note=str(whole))
    path = setup.work / "bodies.jsonl"
    span = correlating.TIMESPAN_S
    try:
        theirs, missing = esper.absent(setup.cache, setup.work, stream, timespan_s=span, bodies=path, rounds=3)
    except Missing as reason:
        yield skipped("12", "  over Esper", reason)
    else:
        agree("absences, ours and Esper", sorted(int(d.slot) for d in found if d.what == "raised"), missing)
        seen = f"Esper {theirs}; the same {len(missing):,} absences"
        ratio = alone.over_d / theirs.over_d
        yield Row(number="12", what="  over Esper", found=ratio, unit="x", target=3, note=seen)
    yield skipped("12", "  over Flink", flink.WHY_NOT)


def _measured(setup: Setup, bodies: list[bytes], count: int, work: Callable[[], object]) -> Timed:
    return against_d(bodies, work, rounds=max(2, setup.rounds - 2), count=count)
