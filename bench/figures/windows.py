"""Figures 8 and 12: counts in windows and absences over 100,000 keys, against bytewax and Esper.

Told three times: the structure alone, over bare keys and times as the peers get them; the whole detector, over events
that are known to meet its members; and the engine around it. All over D, the rate of decoding events of 1.1 KB, though
these events are small: they were decoded before. What is to be reached is asked of the structure alone.
"""

from collections.abc import Callable, Iterator
from typing import Final

import correlating
import events
import ours
import structures
from availability import Missing
from measure import Timed, against_d
from peers import bytewax, esper, flink
from setup import Setup, agree
from table import Row, skipped

EVENTS: Final = 300_000
BODIES: Final = 20_000
DETECTOR: Final = "  the whole detector, events in, evidence out"
ENGINE: Final = "  with the engine around"


def rows(setup: Setup) -> Iterator[Row]:
    """Counts, then absences."""
    bodies = events.lines(setup.count(BODIES, least=1_000), events.NESTED)
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
    width, least = correlating.WIDTH_S, correlating.LEAST
    bare = sorted((key, at // width * width) for key, at in structures.counted(stream, span=width, least=least))
    raised = [stream[int(d.slot)] for d in found if d.what == "raised"]
    agree("counts, detector and structure", sorted((key, at // width * width) for key, at in raised), bare)
    alone = _measured(setup, bodies, len(stream), lambda: structures.counted(stream, span=width, least=least))
    seen = f"{alone}; {len(bare):,} windows"
    yield Row(
        number="8", what="window counts, 100,000 keys: the structure alone", found=alone.over_d, target=2.5, note=seen
    )
    detector = _measured(setup, bodies, len(stream), lambda: ours.detected(ruleset, "many", signals))
    yield Row(number="", what=DETECTOR, found=detector.over_d, note=str(detector))
    whole = _measured(setup, bodies, len(stream), lambda: ours.applied(ruleset, batches))
    yield Row(number="", what=ENGINE, found=whole.over_d, note=str(whole))
    path = setup.work / "bodies.jsonl"
    try:
        theirs, windows = bytewax.count(setup.cache, setup.work, stream, width_s=width, least=least, bodies=path)
    except Missing as reason:
        yield skipped("8", "  over bytewax count_window", reason)
        return
    agree("counts, ours and bytewax", bare, sorted(windows))
    seen = f"bytewax {theirs}; the same {len(windows):,} windows"
    yield from _over("8", "bytewax count_window", (alone, detector), theirs, target=15, seen=seen)


def _absences(setup: Setup, bodies: list[bytes]) -> Iterator[Row]:
    stream = correlating.followed(setup.count(EVENTS))
    batches = correlating.batches(correlating.followed_events(stream))
    ruleset = ours.compiled(correlating.ABSENCE)
    found = ours.applied(ruleset, batches)
    signals = ours.signals(ruleset, batches)
    agree("absences, engine and detector", len(found), len(ours.detected(ruleset, "absent", signals)))
    span, seconds = correlating.TIMESPAN_S, structures.by_second(stream)
    bare = sorted(structures.missing(seconds, span=span))
    agree("absences, detector and structure", sorted(int(d.slot) for d in found if d.what == "raised"), bare)
    alone = _measured(setup, bodies, len(stream), lambda: structures.missing(seconds, span=span))
    seen = f"{alone}; {len(bare):,} absences"
    yield Row(number="8", what="absence, 100,000 keys: the structure alone", found=alone.over_d, target=2.5, note=seen)
    detector = _measured(setup, bodies, len(stream), lambda: ours.detected(ruleset, "absent", signals))
    yield Row(number="", what=DETECTOR, found=detector.over_d, note=str(detector))
    whole = _measured(setup, bodies, len(stream), lambda: ours.applied(ruleset, batches))
    yield Row(number="", what=ENGINE, found=whole.over_d, note=str(whole))
    path = setup.work / "bodies.jsonl"
    try:
        theirs, missing = esper.absent(setup.cache, setup.work, stream, timespan_s=span, bodies=path, rounds=3)
    except Missing as reason:
        yield skipped("12", "  over Esper", reason)
    else:
        agree("absences, ours and Esper", bare, missing)
        seen = f"Esper {theirs}; the same {len(missing):,} absences"
        yield from _over("12", "Esper", (alone, detector), theirs, target=3, seen=seen)
    yield skipped("12", "  over Flink", flink.WHY_NOT)


def _over(
    number: str, peer: str, owns: tuple[Timed, Timed], theirs: Timed, *, target: float, seen: str
) -> Iterator[Row]:
    """Our structure alone, of which something is asked, and the whole detector, over a peer."""
    alone, detector = (own.over_d / theirs.over_d for own in owns)
    what = f"  over {peer}"
    yield Row(number=number, what=f"{what}: the structure alone", found=alone, unit="x", target=target, note=seen)
    yield Row(number="", what=f"{what}: the whole detector", found=detector, unit="x")


def _measured(setup: Setup, bodies: list[bytes], count: int, work: Callable[[], object]) -> Timed:
    return against_d(bodies, work, rounds=max(2, setup.rounds - 2), count=count)
