"""Figure 6: from the topic of events to the topic of alerts, one process; the outbox is in memory."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Final

import events
import names
import ours
import service
from almenara.adapters.kafka.subscriber import Consuming
from almenara.adapters.kafka.topics import Topics
from almenara.adapters.memory import MemoryStore
from almenara.app.distributed import Distributed, run_processor, run_relays
from almenara.domain.event import Event
from almenara.engine.ruleset import Content
from almenara.ingest.intake import event_entry
from almenara.ports.log import ALERTS, EVENTS
from almenara.rules.service import RulesProcessor
from availability import Missing
from kafka_server import running_kafka
from measure import WALL, d_seconds, timed
from setup import Setup, agree
from table import Row, skipped

LIMIT_S: Final = 120.0
WHAT: Final = "the same through Kafka, consume to publish"


def rows(setup: Setup) -> Iterator[Row]:
    """Skipped without a broker."""
    if not setup.kafka:
        yield skipped("6", WHAT, "not asked for (--no-kafka)")
        return
    known = names.made_up(100_000)
    sample = events.events(setup.count(20_000, least=2_000), known=[name for _, name in known])
    content = ours.content(events.rules(200), events.CORRELATIONS, watchlist=ours.watchlist(known))
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the first join of a group tells of errors that pass
    bodies = ours.bodies_of(sample)
    rounds: list[tuple[float, float]] = []
    taken: list[int] = []
    try:
        with running_kafka() as bootstrap:
            for _ in range(max(2, setup.rounds // 2)):
                took, count = asyncio.run(_Run(bootstrap, content, sample).measured())
                rounds.append((d_seconds(bodies, WALL), took * len(sample) / count))
                taken.append(count)
    except Missing as reason:
        yield skipped("6", WHAT, reason)
        return
    mine = timed(rounds, bodies=len(bodies))
    yield Row(number="6", what=WHAT, found=mine.over_d, target=0.25, note=f"{mine}, over {min(taken):,} events or more")


class _Run:
    """One run over topics of its own: events are published first; then a worker joins, and is timed while it works."""

    def __init__(self, bootstrap: str, content: Content, sample: list[Event]) -> None:
        self._bootstrap = bootstrap
        self._how = Consuming(prefix=f"b{uuid.uuid4().hex[:8]}.")
        self._store = MemoryStore(service.PARTITIONS)
        service.activate(self._store, content)
        self._store.append([event_entry(event) for event in sample])

    async def measured(self) -> tuple[float, int]:
        """Seconds, and how many events were taken in them: from the first commit to the last alert published."""
        with Topics(self._bootstrap, prefix=self._how.prefix) as topics:
            topics.create(service.PARTITIONS)
        await self._while_running(run_relays, EVENTS, lambda: self._relayed(EVENTS))
        return await self._worked()

    async def _worked(self) -> tuple[float, int]:
        stop = asyncio.Event()
        how = Distributed(writes=(ALERTS,), consuming=self._how)
        processor = RulesProcessor(self._store)
        task = asyncio.create_task(
            run_processor(processor, self._store, self._bootstrap, partitions=service.PARTITIONS, stop=stop, how=how)
        )
        wanted = sum(self._store.end(EVENTS, partition) for partition in range(service.PARTITIONS))
        try:
            # The rules are compiled when the activations are met, which are the first records.
            await _until(lambda: self._after("rules") > service.PARTITIONS * 2, task)
            before, started = self._after("rules"), time.perf_counter()
            await _until(lambda: self._after("rules") == wanted and self._relayed(ALERTS), task)
            took = time.perf_counter() - started
        finally:
            stop.set()
            await asyncio.gather(task, return_exceptions=True)
        if not service.alerts_in(self._store):
            agree("alerts through Kafka", 0, "some")
        return took, wanted - before

    async def _while_running(self, run: Callable[..., object], writes: str, done: Callable[[], bool]) -> None:
        stop = asyncio.Event()
        how = Distributed(writes=(writes,), consuming=self._how)
        task = asyncio.create_task(run(self._store, self._bootstrap, partitions=service.PARTITIONS, stop=stop, how=how))
        try:
            await _until(done, task)
        finally:
            stop.set()
            await asyncio.gather(task, return_exceptions=True)

    def _relayed(self, stream: str) -> bool:
        ends = sum(self._store.end(stream, partition) for partition in range(service.PARTITIONS))
        return self._after(f"relay:{stream}") == ends

    def _after(self, consumer: str) -> int:
        return sum(lease.after for lease in self._store.positions() if lease.consumer == consumer)


async def _until(done: Callable[[], bool], task: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(LIMIT_S):
        while not done():
            if task.done():
                task.result()
            await asyncio.sleep(0.01)  # to look costs, too, and it is the time of the process that is measured
