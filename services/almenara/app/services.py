"""The services of the distributed mode, one process each.

Kafka is the log, PostgreSQL keeps positions and outboxes; each service relays what it appended.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from almenara.app.channels import Ways
from almenara.app.clock import SystemClock
from almenara.app.compiled import compiled_beside
from almenara.app.distributed import Distributed, run_processor, run_relays
from almenara.app.health import health_file
from almenara.app.links import linked_by
from almenara.app.loops import run_console, run_health, run_reload, run_ways, run_webhook, signals, together
from almenara.app.polling import run_polling
from almenara.app.sending import run_sender
from almenara.app.settings import Settings
from almenara.app.standalone import open_poller, sound_sources
from almenara.app.startup import Startup
from almenara.app.stores import open_store
from almenara.app.ticker import run_beacons, run_ticker
from almenara.app.watching import RulesWatch, run_watch
from almenara.ingest.intake import EventIntake
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.route import RouteProcessor
from almenara.notifier.send import Sender
from almenara.ports.clock import Clock
from almenara.ports.log import ALERTS, BLOBS, DELIVERIES, EVENTS, NOTICES, REJECTED
from almenara.ports.processor import Processor
from almenara.ports.store import Store
from almenara.rules.service import RulesProcessor

_INPUT: Final = (EVENTS, BLOBS, REJECTED)

log = logging.getLogger(__name__)

Work = list[Coroutine[Any, Any, None]]


@dataclass(slots=True)
class Service:
    """What a service process is given."""

    settings: Settings
    config_dir: Path
    store: Store
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)
    clock: Clock = field(default_factory=SystemClock)
    files: list[Path] = field(default_factory=list)

    def startup(self) -> Startup:
        """The reader of the configuration folder."""
        return Startup(self.store, self.config_dir, self.settings, self.clock)

    def processing(self, processor: Processor, name: str, writes: Sequence[str]) -> Coroutine[Any, Any, None]:
        """A processor over the partitions that Kafka assigns."""
        kafka = self.settings.kafka
        how = Distributed(writes=writes, health=self._health(name))
        return run_processor(
            processor, self.store, kafka.bootstrap, partitions=kafka.partitions, stop=self.stop, how=how
        )

    def relaying(self, name: str, writes: Sequence[str]) -> Work:
        """The relays of a process that only appends, and its health."""
        kafka = self.settings.kafka
        relays = run_relays(
            self.store, kafka.bootstrap, partitions=kafka.partitions, stop=self.stop, how=Distributed(writes=writes)
        )
        return [relays, run_health(self._health(name), name, self.clock, self.stop, dict)]

    def _health(self, name: str) -> Path:
        path = health_file(self.settings.data_dir, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.files.append(path)
        return path


async def run_console_alone(settings: Settings, *, stop: asyncio.Event | None = None) -> None:
    """Serves the pages in a process of their own beside `run all`, over its record, until a signal or `stop`."""
    stop, clock, health = stop or asyncio.Event(), SystemClock(), health_file(settings.data_dir, "console")
    store = open_store(settings, create=False)
    try:
        with signals(stop, asyncio.Event()):
            saying = run_health(health, "console", clock, stop, dict)
            await together(stop, run_console(settings, store, clock, stop), saying)
    finally:
        store.close()
    log.info("console stopped")


async def run_service(service: str, settings: Settings, config_dir: Path, *, stop: asyncio.Event | None = None) -> None:
    """Runs one service of the distributed mode until a signal or `stop`."""
    store = open_store(settings, create=False)
    given = Service(settings, config_dir, store, stop or asyncio.Event())
    try:
        with signals(given.stop, given.reload):
            work = await asyncio.to_thread(SERVICES[service], given)
            await together(given.stop, *work)
    finally:
        store.close()
        for file in given.files:
            with suppress(OSError):
                file.unlink(missing_ok=True)
    log.info("%s stopped", service)


def _ingest(given: Service) -> Work:
    settings, store, clock, stop = given.settings, given.store, given.clock, given.stop
    intake = EventIntake(store, clock)
    poller = open_poller(store, settings, clock, sound_sources(given.config_dir))
    work = [run_polling(poller, stop), _inbox(settings, intake, stop), *given.relaying("ingest", _INPUT)]
    if settings.webhook.listen:
        work.append(run_webhook(settings, intake, stop))
    return work


async def _inbox(settings: Settings, intake: EventIntake, stop: asyncio.Event) -> None:
    """Takes what other teams' producers put into the inbox topic."""
    from almenara.adapters.kafka.inbox import inbox_broker

    def take(body: bytes) -> None:
        intake.take("", body)

    broker = inbox_broker(settings.kafka.bootstrap, take)
    await broker.start()
    try:
        await stop.wait()
    finally:
        await broker.stop()


def _rules(given: Service) -> Work:
    startup = given.startup()
    watch = RulesWatch(startup, given.config_dir)

    def again() -> None:
        watch.begin()
        startup.take_rules()

    again()
    writes = (ALERTS, *_INPUT)
    compiled = compiled_beside(given.settings.data_dir)
    processor = RulesProcessor(given.store, compile=compiled.ruleset, recorded=given.store)
    processing = given.processing(processor, "rules", writes)
    work = [processing, run_reload(again, given.reload, given.stop)]
    if every := given.settings.rules.watch:
        work.append(run_watch(watch, given.stop, every=every))
    return work


def _notifier(given: Service) -> Work:
    settings, store, stop = given.settings, given.store, given.stop
    startup, ways = given.startup(), Ways(settings)
    startup.take_audience()
    contact = settings.corrections.contact
    linked = linked_by(settings, given.clock)
    sender = Sender(
        store, ways.channels, ways.address, given.clock, contact=contact, operator=ways.operator, linked=linked
    )

    def again() -> None:
        startup.take_audience()
        startup.take_ways(ways)  # a token may have changed, which no record tells

    return [
        given.processing(RouteProcessor(store), "notifier", (NOTICES, EVENTS, BLOBS)),
        given.processing(PlanProcessor(store, store.partitions), "plan", (DELIVERIES, EVENTS, REJECTED)),
        run_ways(startup, ways, stop),
        run_reload(again, given.reload, stop),
        run_sender(sender, ways, stop),
    ]


def _ticker(given: Service) -> Work:
    every = given.settings.time.tick
    partitions = given.store.partitions
    ticking = run_ticker(given.store, given.clock, partitions=partitions, stop=given.stop, every=every)
    work = [ticking, *given.relaying("ticker", (EVENTS,))]
    if given.settings.heartbeat.ping:
        every = given.settings.heartbeat.canary_every
        work.append(run_beacons(given.store, given.clock, stop=given.stop, every=every))
    return work


def _console(given: Service) -> Work:
    serving = run_console(given.settings, given.store, given.clock, given.stop)
    return [serving, *given.relaying("console", (EVENTS,))]


SERVICES: Final[dict[str, Callable[[Service], Work]]] = {
    "ingest": _ingest,
    "rules": _rules,
    "notifier": _notifier,
    "ticker": _ticker,
    "console": _console,
}
