"""The loop that sends what is due, side by side, so that a slow or dead destination keeps no other one waiting.

Two lanes of threads. One is shared, by those with much to send, too; when it is full, every destination still has one
place of its own in the other, whatever the others do. How many of one destination are in hand is counted in the queue,
over all processes. Decides nothing about messages.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from almenara.app.channels import Ways
from almenara.domain.errors import Unreachable
from almenara.notifier.send import Sender, Sent
from almenara.ports.queue import PER_DESTINATION

OWN: Final = 256
"""As many destinations may hang at once before another one waits for a place."""

SHARED: Final = 32
PAUSE_S: Final = 0.2

log = logging.getLogger(__name__)

Running = set["asyncio.Future[Sent | None]"]


@dataclass(slots=True)
class Lane:
    """A number of places for sends; of one destination at most `per_destination` are in hand when it is taken from."""

    places: int
    per_destination: int
    running: Running = field(default_factory=set)


async def run_sender(sender: Sender, ways: Ways, stop: asyncio.Event, *, woken: asyncio.Event | None = None) -> None:
    """Sends what is due until `stop`; then waits for what is on its way. Waits while no address is known.

    Whoever queues something may set `woken`, and it is sent at once; without it, it is found soon. Raises what is a
    fault of ours; a database that cannot be reached is waited for.
    """
    woken = woken or asyncio.Event()
    lanes = (Lane(SHARED, PER_DESTINATION), Lane(OWN, 1))
    stopping, waking = asyncio.create_task(stop.wait()), asyncio.create_task(woken.wait())
    with ThreadPoolExecutor(OWN + SHARED, thread_name_prefix="send") as pool:
        try:
            while not stop.is_set():
                if waking.done():
                    woken.clear()
                    waking = asyncio.create_task(woken.wait())
                if ways.ready:
                    await _fill(lanes, sender, pool)
                waited: set[asyncio.Future[Any]] = {stopping, waking, *_running(lanes)}
                await asyncio.wait(waited, timeout=PAUSE_S, return_when=asyncio.FIRST_COMPLETED)
                _collect(lanes)
        finally:
            stopping.cancel()
            waking.cancel()
            if running := _running(lanes):
                await asyncio.wait(running)
    _collect(lanes)


async def _fill(lanes: tuple[Lane, ...], sender: Sender, pool: ThreadPoolExecutor) -> None:
    loop = asyncio.get_running_loop()
    for lane in lanes:
        free = lane.places - len(lane.running)
        try:
            held = await loop.run_in_executor(None, sender.take, free, lane.per_destination) if free else []
        except Unreachable as error:
            log.warning("sending waits: %s", error)
            return
        lane.running |= {loop.run_in_executor(pool, sender.send, one) for one in held}
        if len(held) < free:
            return  # nothing is left that had room here; the next lane gives each destination no more


def _running(lanes: tuple[Lane, ...]) -> Running:
    return {one for lane in lanes for one in lane.running}


def _collect(lanes: tuple[Lane, ...]) -> None:
    for lane in lanes:
        done = {one for one in lane.running if one.done()}
        lane.running -= done
        for one in done:
            try:
                sent = one.result()
            except Unreachable as error:
                log.warning("sending waits: %s", error)
                continue
            if sent is not None:
                log.info(
                    "delivery %s to %s by %s: %s %s",
                    sent.notice.delivery, sent.notice.subscriber, sent.notice.via,
                    sent.outcome.kind, sent.outcome.detail,
                )  # fmt: skip
