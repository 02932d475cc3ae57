"""Timing: all is told against D, the rate of bare `orjson.loads` over the same bytes, measured in the same rounds.

Machines are noisy and change their speed while they work, so D and the work are timed in turns and the median of the
rounds' ratios counts. Seconds are those of the processor where one thread works, so that neighbours matter less, and
those of the clock on the wall where several do, or where waiting is part of it. Only ratios of one run are compared.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import orjson

Clock = Callable[[], float]
CPU: Final[Clock] = time.process_time
WALL: Final[Clock] = time.perf_counter
AT_LEAST_S: Final = 0.5
MOST_ROUNDS: Final = 15


@dataclass(frozen=True, slots=True)
class Timed:
    """What was found of one piece of work: how often a second (the best round), and over D (the median round)."""

    rate: float
    over_d: float

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s"


def seconds(work: Callable[[], object], clock: Clock = CPU) -> float:
    """How long the work takes, without the garbage of others."""
    with quiet_heap():
        started = clock()
        work()
        return clock() - started


def d_seconds(bodies: Sequence[bytes], clock: Clock = CPU) -> float:
    """How long bare decoding of all bodies takes."""
    return seconds(lambda: _decode(bodies), clock)


def against_d(bodies: Sequence[bytes], work: Callable[[], object], *, rounds: int, count: int = 0) -> Timed:
    """The work in turns with D over `bodies`; it handles `count` events (default: as many as bodies).

    Work that is done in no time gets more rounds than asked for, because short rounds differ most.
    """
    found: list[tuple[float, float]] = []
    while len(found) < rounds or (sum(took for _, took in found) < AT_LEAST_S and len(found) < MOST_ROUNDS):
        found.append((d_seconds(bodies), seconds(work)))
    return timed(found, bodies=len(bodies), count=count)


def timed(rounds: Sequence[tuple[float, float]], *, bodies: int, count: int = 0) -> Timed:
    """What rounds of (seconds of D over so many bodies, seconds of work over so many events) say."""
    count = count or bodies
    ratios = [(count / took) / (bodies / bare) for bare, took in rounds]
    return Timed(count / min(took for _, took in rounds), statistics.median(ratios))


def middle(ratios: Sequence[float]) -> float:
    """The median of ratios found in rounds."""
    return statistics.median(ratios)


@contextmanager
def quiet_heap() -> Iterator[None]:
    """What is alive now is kept out of the collector's way, as a service does after it has loaded its rules."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _decode(bodies: Sequence[bytes]) -> None:
    loads = orjson.loads
    for body in bodies:
        loads(body)
