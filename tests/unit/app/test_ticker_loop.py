"""The ticker's loop: one tick a slot, whoever else ticks, and none made up for the time it slept."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from almenara.app.ticker import run_ticker, slot_of
from almenara.ports.log import EVENTS
from almenara.ports.wire import decode_event
from outbox import Outbox

START = datetime(2026, 1, 5, 12, 30, 17, 500, tzinfo=UTC)


class _Clock:
    """Moves on by a step whenever it is asked."""

    def __init__(self, step: timedelta) -> None:
        self._now = START
        self._step = step

    def now(self) -> datetime:
        self._now += self._step
        return self._now


@pytest.mark.parametrize(
    ("every", "expected"),
    [(timedelta(minutes=1), "12:30:00"), (timedelta(seconds=15), "12:30:15"), (timedelta(hours=1), "12:00:00")],
)
def test_slots(every: timedelta, expected: str) -> None:
    assert slot_of(START, every).strftime("%H:%M:%S") == expected


async def ticks(outbox: Outbox, step: timedelta, count: int, tickers: int = 1) -> list[datetime]:
    stop = asyncio.Event()
    running = [asyncio.create_task(run_ticker(outbox, _Clock(step), partitions=2, stop=stop)) for _ in range(tickers)]
    async with asyncio.timeout(20):
        while outbox.down or outbox.end(EVENTS, 1) < count:
            await asyncio.sleep(0.005)
    stop.set()
    await asyncio.gather(*running)
    return [decode_event(record.body).time for record in outbox.read(EVENTS, 1, 0)][:count]


async def test_two_tickers_write_each_slot_once() -> None:
    found = await ticks(Outbox(2), timedelta(seconds=30) - timedelta(milliseconds=5), 3, tickers=2)
    assert found == sorted(set(found))
    assert all(moment.second == 0 and moment.microsecond == 0 for moment in found)


async def test_slots_slept_through_are_not_made_up_for() -> None:
    first, second = await ticks(Outbox(2), timedelta(minutes=59, seconds=59, milliseconds=995), 2)
    assert second - first > timedelta(minutes=30)


async def test_it_waits_for_the_database() -> None:
    outbox = Outbox(2)
    outbox.down = True
    asyncio.get_running_loop().call_later(0.1, setattr, outbox, "down", False)
    assert len(await ticks(outbox, timedelta(seconds=30) - timedelta(milliseconds=5), 1)) == 1
