"""The ticker's loop: writes the time into every partition at the start of each slot.

Two tickers at once do no harm, as the tick of a slot has one id. A slot that was slept through is not made up for:
the clock of the log only has to move on, not to visit every minute.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from almenara.domain.errors import Unreachable
from almenara.ingest.ticker import beacon_entry, tick_entries
from almenara.ports.clock import Clock
from almenara.ports.log import Entry, LogWriter

SLOT: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOOK_MAX_S: Final = 1.0

log = logging.getLogger(__name__)


def slot_of(now: datetime, every: timedelta = SLOT) -> datetime:
    """The start of the slot that `now` lies in."""
    return now - (now - _EPOCH) % every


async def run_ticker(
    writer: LogWriter, clock: Clock, *, partitions: int, stop: asyncio.Event, every: timedelta = SLOT
) -> None:
    """Appends the tick of each slot until `stop` is set; waits while the database cannot be reached."""
    await _each_slot(writer, clock, lambda slot: tick_entries(slot, partitions), stop=stop, every=every)


async def run_beacons(writer: LogWriter, clock: Clock, *, stop: asyncio.Event, every: timedelta) -> None:
    """Lights the beacon of each slot until `stop` is set; waits as the ticker does."""
    await _each_slot(writer, clock, lambda slot: [beacon_entry(slot)], stop=stop, every=every)


async def _each_slot(
    writer: LogWriter,
    clock: Clock,
    entries_of: Callable[[datetime], list[Entry]],
    *,
    stop: asyncio.Event,
    every: timedelta,
) -> None:
    last: datetime | None = None
    while not stop.is_set():
        slot = slot_of(clock.now(), every)
        if last is None or slot > last:
            try:
                await asyncio.to_thread(writer.append, entries_of(slot))
                last = slot
            except Unreachable as error:
                log.warning("the tick of %s waits: %s", slot.isoformat(), error)
        rest = (slot + every - clock.now()).total_seconds()
        try:
            # Short looks, so that a clock that was set, or a machine that slept, is noticed.
            await asyncio.wait_for(stop.wait(), min(max(rest, 0.01), _LOOK_MAX_S))
        except TimeoutError:
            continue
