"""One service process of the distributed mode: reads its stream from Kafka, commits to the database, relays its outbox.

Here the runner meets Kafka; settings and the choice of a service are made elsewhere. The store must bear use by
several threads.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from almenara.adapters.kafka.holding import Reject
from almenara.adapters.kafka.publisher import KafkaPublisher
from almenara.adapters.kafka.relay import TAKEOVER_S, Relay
from almenara.adapters.kafka.subscriber import Consuming, Subscriber
from almenara.adapters.kafka.topics import PREFIX, Topics
from almenara.app.worker import SNAPSHOT_EVERY, Worker
from almenara.domain.errors import Refused
from almenara.domain.ids import content_id
from almenara.ports.log import REJECTED, Entry
from almenara.ports.processor import Processor
from almenara.ports.store import Store
from almenara.ports.wire import encode

HEALTH_EVERY_S: Final = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Distributed:
    """How a process takes part: `writes` are the streams whose outbox it relays."""

    writes: Sequence[str] = ()
    health: Path | None = None
    consuming: Consuming = field(default_factory=Consuming)
    takeover_s: float = TAKEOVER_S
    snapshot_every: int = SNAPSHOT_EVERY


def group_of(processor: Processor, prefix: str = PREFIX) -> str:
    """The consumer group of a processor: `almenara.rules`."""
    return prefix + processor.consumer


async def run_processor(
    processor: Processor,
    store: Store,
    bootstrap: str,
    *,
    partitions: int,
    stop: asyncio.Event,
    how: Distributed | None = None,
) -> None:
    """Runs one worker process of a processor until `stop` is set; the batch in hand is then finished and relayed.

    Any number may run at once. Raises Refused (the topics or the partition count) and Unreachable (a position cannot
    be claimed; the process must end with exit code 4), and whatever else made it impossible to go on.
    """
    how = how or Distributed()
    await _checked(store, bootstrap, partitions, how.consuming.prefix)
    relays, publisher = _relays(store, bootstrap, how)

    def claim(partition: int) -> Worker:
        return Worker(
            processor, partition, unit=store, snapshots=store, history=store, snapshot_every=how.snapshot_every
        )

    def wake() -> None:
        for relay in relays:
            relay.wake()

    subscriber = Subscriber(
        bootstrap,
        processor.stream,
        group_of(processor, how.consuming.prefix),
        claim=claim,
        reject=_rejecting(processor.consumer, store),
        taken=wake,
        how=how.consuming,
    )
    relaying = asyncio.Event()
    tasks = [asyncio.create_task(relay.run(relaying)) for relay in relays]
    stopping = asyncio.create_task(stop.wait())
    report = asyncio.create_task(_report(processor, subscriber, how.health))
    try:
        await subscriber.start()
        await _first(stopping, subscriber.failed, *tasks)
    finally:
        await subscriber.stop()
        report.cancel()
        stopping.cancel()
        relaying.set()
        await asyncio.gather(*tasks, report, stopping, return_exceptions=True)
        await publisher.stop()


async def run_relays(store: Store, bootstrap: str, *, partitions: int, stop: asyncio.Event, how: Distributed) -> None:
    """Relays the streams in `how.writes` until `stop` is set, for a process that only appends (ingest, ticker).

    Raises Refused when the topics or the partition count do not fit, Unreachable when Kafka is away at the start.
    """
    await _checked(store, bootstrap, partitions, how.consuming.prefix)
    relays, publisher = _relays(store, bootstrap, how)
    try:
        await asyncio.gather(*(relay.run(stop) for relay in relays))
    finally:
        await publisher.stop()


def _relays(store: Store, bootstrap: str, how: Distributed) -> tuple[list[Relay], KafkaPublisher]:
    publisher = KafkaPublisher(bootstrap, prefix=how.consuming.prefix)
    return [
        Relay(stream, outbox=store, unit=store, publish=publisher.publish, takeover_s=how.takeover_s)
        for stream in how.writes
    ], publisher


async def _checked(store: Store, bootstrap: str, partitions: int, prefix: str) -> None:
    """Refuses a log that is not the one this process was set up for."""
    if store.partitions != partitions:
        raise Refused(
            f"the database was created with {store.partitions} partitions and {partitions} are set; the count is fixed "
            f"for ever: set it to {store.partitions}"
        )

    def check() -> None:
        with Topics(bootstrap, prefix=prefix) as topics:
            topics.check(partitions)

    await asyncio.to_thread(check)


def _rejecting(consumer: str, store: Store) -> Reject:
    """Appends a message that is no record to `rejected`, once, however often it is met."""

    def reject(place: str, reason: str, detail: str) -> None:
        body = encode({"position": place, "id": "", "by": consumer, "reason": reason, "detail": detail})
        store.append([Entry(REJECTED, "", content_id(consumer, place), body)])

    return reject


async def _first(*waits: "asyncio.Future[Any]") -> None:
    """Waits until one of these is done, and raises what it raised."""
    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in done:
        wait.result()


async def _report(processor: Processor, subscriber: Subscriber, path: Path | None) -> None:
    """Writes how the worker is to a file now and then, whole or not at all, for health checks."""
    while path is not None:
        holdings = subscriber.holdings
        status = {
            "consumer": processor.consumer,
            "stream": processor.stream,
            "at": datetime.now(UTC).isoformat(),
            "positions": holdings.positions,
            "stopped": holdings.stopped,
        }
        await asyncio.to_thread(_write, path, json.dumps(status))
        await asyncio.sleep(HEALTH_EVERY_S)


def _write(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    with suppress(OSError):  # a full disk must not stop the worker
        new.write_text(text)
        new.replace(path)
