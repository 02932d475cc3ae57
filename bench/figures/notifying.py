"""Figure 13: the notifier, from alerts in the log to a webhook that has them: its cost, and how soon they arrive."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import alerts
from availability import Missing
from notifier import Receiver, check_once, check_recorded, names_in, prepared, receiving, worked
from peers import alertmanager
from setup import Setup
from table import Row, skipped

RATE: Final = 50
"""Alerts a second for the latency."""

AT_ONCE: Final = 50
"""So many alerts in one post to Alertmanager's API when it has all of them to tell."""

COST: Final = "over Alertmanager: CPU an alert"
SOON: Final = "over Alertmanager: p99 from hand-in to arrival"


@dataclass(frozen=True, slots=True)
class Cost:
    """What telling all alerts took, for each of them."""

    wall_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{1 / self.wall_s:,.0f}/s, {self.cpu_s * 1e3:.2f} ms CPU each"


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from when an alert was handed in to its arrival."""

    p50: float
    p99: float

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms"


def rows(setup: Setup) -> Iterator[Row]:
    """Ours always; the peer's rows are skipped without it."""
    count = setup.count(2_000, least=100)
    seconds = max(2, round(8 * setup.scale))
    theirs: Path | None = None
    reason: Missing | None = None
    try:
        theirs = alertmanager.installed(setup.cache)
    except Missing as missing:
        reason = missing
    with receiving() as receiver:
        run = _Run(setup.work / "notifier", receiver, theirs)
        costs = [(run.our_cost(count), run.their_cost(count)) for _ in range(max(2, setup.rounds // 2 + 1))]
        latencies = (run.our_latency(seconds), run.their_latency(seconds))
    mine = min((cost for cost, _ in costs), key=lambda cost: cost.cpu_s)
    yield Row(number="", what="notifier: alerts to a signed webhook, each recorded", found=1 / mine.wall_s,
              unit="/s", note=f"{mine}, {count:,} alerts")  # fmt: skip
    yield Row(number="", what=f"notifier: p99 at {RATE} alerts a second", found=latencies[0].p99,
              unit="ms", note=str(latencies[0]))  # fmt: skip
    if reason is not None:
        yield skipped("13", COST, reason)
        yield skipped("13", SOON, reason)
        return
    ratio = median(ours.cpu_s / other.cpu_s for ours, other in costs)
    best = min((other for _, other in costs), key=lambda cost: cost.cpu_s)
    yield Row(number="13", what=COST, found=ratio, unit="x", target=0.5, at_most=True, note=f"ours {mine}; its {best}")
    yield Row(number="13", what=SOON, found=latencies[0].p99 / latencies[1].p99, unit="x", target=1.0, at_most=True,
              note=f"ours {latencies[0]}; its {latencies[1]}")  # fmt: skip


class _Run:
    """Everything that is measured, one after the other; nobody else works meanwhile but the receiver."""

    def __init__(self, folder: Path, receiver: Receiver, program: Path | None) -> None:
        self._folder = folder
        self._receiver = receiver
        self._program = program
        self._made = 0
        folder.mkdir()

    def our_cost(self, count: int) -> Cost:
        """Alerts that lie in the log."""
        path = prepared(self._next("store.db"), count)
        said = worked(self._receiver, path, count=count)
        last = self._checked(count, signed=True)
        check_recorded(path, count)
        return Cost((max(last.values()) - said["began"]) / count, said["cpu_s"] / count)

    def their_cost(self, count: int) -> Cost:
        """Alerts handed in as fast as they are taken; nothing but zeros without the program."""
        if self._program is None:
            return Cost(0.0, 0.0)
        with alertmanager.running(self._program, self._next("theirs"), self._receiver.url) as peer:
            used, began = peer.cpu_s(), time.monotonic()
            for first in range(0, count, AT_ONCE):
                numbers = range(first, min(first + AT_ONCE, count))
                peer.hand_in(alerts.for_alertmanager(numbers, datetime.now(UTC)))
            self._receiver.wait_for(count, peer.alive)
            used = peer.cpu_s() - used
            last = self._checked(count, signed=False)
        return Cost((max(last.values()) - began) / count, used / count)

    def our_latency(self, seconds: int) -> Latency:
        """Alerts that are appended one by one."""
        count = RATE * (seconds + 1)
        path = prepared(self._next("store.db"), 0)
        said = worked(self._receiver, path, (RATE, 0, count), count=count)
        arrived = self._checked(count, signed=True)
        check_recorded(path, count)
        return _latency(said["handed"], arrived)

    def their_latency(self, seconds: int) -> Latency:
        """Alerts that are handed in one by one; nothing but ones without the program."""
        if self._program is None:
            return Latency(1.0, 1.0)
        count = RATE * (seconds + 1)
        handed: dict[str, float] = {}
        with alertmanager.running(self._program, self._next("theirs"), self._receiver.url) as peer:
            started = time.monotonic()
            for number in range(count):
                time.sleep(max(0.0, started + number / RATE - time.monotonic()))
                (one,) = alerts.for_alertmanager([number], datetime.now(UTC))
                handed[alerts.name_of(number)] = time.monotonic()
                peer.hand_in([one])
            self._receiver.wait_for(count, peer.alive)
            return _latency(handed, self._checked(count, signed=False))

    def _checked(self, count: int, *, signed: bool) -> dict[str, float]:
        """When each alert arrived. Raises Wrong unless each came once."""
        arrived = self._receiver.take()
        names = names_in(arrived, signed=signed)
        check_once("ours" if signed else "Alertmanager", names, [alerts.name_of(number) for number in range(count)])
        return dict(zip(names, (one.at for one in arrived), strict=True))

    def _next(self, name: str) -> Path:
        self._made += 1
        return self._folder / f"{self._made}-{name}"


def _latency(handed: dict[str, float], arrived: dict[str, float]) -> Latency:
    """Without those of the first second, in which both are still warming up."""
    took: Sequence[float] = [(arrived[name] - at) * 1e3 for name, at in list(handed.items())[RATE:]]
    hundredths = quantiles(took, n=100)
    return Latency(hundredths[49], hundredths[98])
