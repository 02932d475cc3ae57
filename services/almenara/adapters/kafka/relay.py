"""The relay: publishes what the outbox holds after its position, in order, at least once.

Any number may run. One holds a partition; one that finds itself fenced stands by and takes over only when the
position stops moving while records wait, so two never fight. Knows nothing of SQL nor of the broker.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from almenara.domain.errors import Fenced, Unreachable
from almenara.ports.log import BLOBS, Outbox, Record
from almenara.ports.unit import Batch, Lease, UnitOfWork

IDLE_S: Final = 0.05
IDLE_MAX_S: Final = 0.2
TAKEOVER_S: Final = 5.0
RUN: Final = 500
"""The most records of one partition that are published before their position is written; fewer of the large blobs."""

_BLOBS_RUN: Final = 8
_BACKOFF_MAX_S: Final = 5.0

Publish = Callable[[Sequence[Record]], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Standby:
    """What a fenced relay saw: the position, and since when (seconds of the loop's clock) it has not moved."""

    after: int
    since: float


class Relay:
    """Relays one stream. Call `run`; or `step` for one pass."""

    def __init__(
        self, stream: str, *, outbox: Outbox, unit: UnitOfWork, publish: Publish, takeover_s: float = TAKEOVER_S
    ) -> None:
        self._stream = stream
        self._run = _BLOBS_RUN if stream == BLOBS else RUN
        self._consumer = f"relay:{stream}"
        self._outbox = outbox
        self._unit = unit
        self._publish = publish
        self._takeover_s = takeover_s
        self._leases: dict[int, Lease] = {}
        self._standby: dict[int, _Standby] = {}
        self._waking = asyncio.Event()

    def wake(self) -> None:
        """Says that something was just appended; spares the wait until the next poll."""
        self._waking.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Relays until `stop` is set, then once more, so that nothing waits that was committed before the stop."""
        idle, backoff = IDLE_S, IDLE_S
        while not stop.is_set():
            try:
                moved = await self.step()
            except Unreachable as error:
                log.warning("the relay of %s waits %.1f s: %s", self._stream, backoff, error)
                await _either(stop, None, backoff)
                backoff = min(2 * backoff, _BACKOFF_MAX_S)
                continue
            backoff = IDLE_S
            idle = IDLE_S if moved else min(2 * idle, IDLE_MAX_S)
            if not moved:
                await _either(stop, self._waking, idle)
        with suppress(Unreachable):
            while await self.step():
                pass

    async def step(self) -> int:
        """One pass over all partitions. Returns how many records were published. Raises Unreachable."""
        self._waking.clear()
        now = asyncio.get_running_loop().time()
        runs = await asyncio.to_thread(self._waiting, now)
        if not runs:
            return 0
        partitions = list(runs)
        outcomes = await asyncio.gather(*(self._publish(runs[p]) for p in partitions), return_exceptions=True)
        done = {p: runs[p] for p, outcome in zip(partitions, outcomes, strict=True) if outcome is None}
        await asyncio.to_thread(self._advance, done, now)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return sum(map(len, done.values()))

    def _waiting(self, now: float) -> dict[int, list[Record]]:
        """The records to be published next, by partition."""
        for partition in range(self._outbox.partitions):
            if partition not in self._leases and partition not in self._standby:
                self._leases[partition] = self._unit.claim(self._consumer, self._stream, partition)
        if self._standby:
            self._take_over(now)
        ends = self._outbox.ends(self._stream)
        return {
            partition: self._outbox.read(self._stream, partition, lease.after, self._run)
            for partition, lease in self._leases.items()
            if ends.get(partition, 0) > lease.after
        }

    def _advance(self, done: dict[int, list[Record]], now: float) -> None:
        for partition, run in done.items():
            lease = self._leases[partition]
            try:
                self._leases[partition] = self._unit.commit(lease, Batch(run[-1].sequence))
            except Fenced:
                log.info("the relay of %s/%s stands by: another one holds it", self._stream, partition)
                del self._leases[partition]
                self._standby[partition] = _Standby(lease.after, now)

    def _take_over(self, now: float) -> None:
        """Claims again what nobody moves on although records wait: its holder is gone."""
        if all(now - seen.since < self._takeover_s for seen in self._standby.values()):
            return
        held = {p.partition: p.after for p in self._unit.positions() if p.consumer == self._consumer}
        for partition, seen in list(self._standby.items()):
            after = held.get(partition, 0)
            if after != seen.after or self._outbox.end(self._stream, partition) <= after:
                self._standby[partition] = _Standby(after, now)
            elif now - seen.since >= self._takeover_s:
                log.info("the relay of %s/%s takes over", self._stream, partition)
                del self._standby[partition]
                self._leases[partition] = self._unit.claim(self._consumer, self._stream, partition)


async def _either(stop: asyncio.Event, waking: asyncio.Event | None, seconds: float) -> None:
    """Waits `seconds`, or less when one of the events is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, waking) if event is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
