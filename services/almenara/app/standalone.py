"""The embedded mode as a running system: every service in one process over one store.

`Standalone` is its parts, driven step by step in tests; `run_all` is the process.
"""

import asyncio
import logging
from pathlib import Path
from typing import Any

from almenara.app.channels import Ways
from almenara.app.clock import SystemClock
from almenara.app.compiled import compiled_beside
from almenara.app.embedded import Embedded
from almenara.app.health import health_file
from almenara.app.intake import DraftIntake
from almenara.app.links import linked_by
from almenara.app.lock import alone
from almenara.app.loops import (
    run_console,
    run_health,
    run_pump,
    run_reload,
    run_ways,
    run_webhook,
    signals,
    together,
)
from almenara.app.polling import Fetch, Poller, run_polling
from almenara.app.sending import run_sender
from almenara.app.settings import Settings
from almenara.app.sources import last_readings, read_sources
from almenara.app.startup import Startup
from almenara.app.stores import open_store
from almenara.app.ticker import run_beacons, run_ticker, slot_of
from almenara.app.watching import RulesWatch, run_watch
from almenara.domain.errors import AlmenaraError, Faulty
from almenara.ingest.intake import EventIntake
from almenara.ingest.sources import SourceSpec
from almenara.ingest.ticker import tick_entries
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.route import RouteProcessor
from almenara.notifier.send import Sender, Sent
from almenara.ports.clock import Clock
from almenara.ports.processor import Processor
from almenara.ports.store import Store
from almenara.rules.service import RulesProcessor

log = logging.getLogger(__name__)


class Standalone:
    """All services over one store. `start` first; then each part as often as wanted, in any order."""

    def __init__(self, store: Store, config_dir: Path, settings: Settings, clock: Clock) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        self.ways = Ways(settings)
        self.startup = Startup(store, config_dir, settings, clock)
        self.watch = RulesWatch(self.startup, config_dir)
        contact, ways = settings.corrections.contact, self.ways
        self.sender = Sender(
            store,
            ways.channels,
            ways.address,
            clock,
            contact=contact,
            operator=ways.operator,
            linked=linked_by(settings, clock),
        )
        self._embedded: Embedded | None = None
        self.faults = 0

    def start(self) -> None:
        """Activates what the folder holds. Raises Faulty when it is bad and nothing is active."""
        self.reload()

    def reload(self) -> None:
        """Reads rules and subscribers again; a bad file changes nothing while a good one is active."""
        self.watch.begin()
        taken = (self.startup.take_rules(), self.startup.take_audience())
        self.faults = sum(len(one.faults) for one in taken)
        self.startup.take_ways(self.ways)  # a token may have changed, which no record tells

    def pump(self) -> int:
        """Folds everything that is new. Returns how many records were taken."""
        if self._embedded is None:
            compiled = compiled_beside(self.settings.data_dir)
            rules = RulesProcessor(self.store, compile=compiled.ruleset, recorded=self.store)
            processors: list[Processor] = [
                rules,
                RouteProcessor(self.store),
                PlanProcessor(self.store, self.store.partitions),
            ]
            self._embedded = Embedded(self.store, processors)
        try:
            return self._embedded.pump()
        except AlmenaraError:
            # the folds are ahead of what was committed: they start again from there
            self._embedded = None
            raise

    def tick(self) -> None:
        """Writes the time of the clock into the log."""
        slot = slot_of(self.clock.now(), self.settings.time.tick)
        self.store.append(tick_entries(slot, self.store.partitions))

    def send(self) -> list[Sent]:
        """Sends what is due."""
        return self.sender.run_once() if self.ways.ready else []

    def how(self) -> dict[str, Any]:
        """How it is, for the health file."""
        faults = len(self.watch.refused.faults) if self.watch.refused else self.faults
        trouble = "" if self.ways.ready else "no addresses: mend subscribers.yaml; nothing is sent until then"
        return {"pending": self.store.pending(), "config_faults": faults, "trouble": trouble}


async def run_all(
    settings: Settings, config_dir: Path, *, stop: asyncio.Event | None = None, clock: Clock | None = None
) -> None:
    """Runs the embedded mode until a signal or `stop`. Raises Faulty, Refused and Unreachable when it cannot start."""
    stop, reload, clock = stop or asyncio.Event(), asyncio.Event(), clock or SystemClock()
    with alone(settings.data_dir):
        store = open_store(settings, create=True)
        try:
            with signals(stop, reload):
                parts = Standalone(store, config_dir, settings, clock)
                await asyncio.to_thread(parts.start)
                await together(stop, *_work(parts, config_dir, stop, reload))
        finally:
            store.close()
    log.info("stopped")


def open_poller(
    store: Store, settings: Settings, clock: Clock, specs: list[SourceSpec], *, fetch: Fetch | None = None
) -> Poller:
    """The poller of the feeds, knowing from the log when each was last read."""
    from almenara.adapters.feeds import parse
    from almenara.adapters.http.fetch import Fetcher

    feeds = [spec.id for spec in specs if spec.url]
    return Poller(
        specs,
        DraftIntake(store, clock),
        fetch or Fetcher(),
        lambda body, content_type: parse(body, content_type),
        clock,
        watched=settings.watch.countries,
        known=last_readings(store, feeds),
    )


def sound_sources(config_dir: Path) -> list[SourceSpec]:
    """The sources; with faults none is read, and all are told: half a list would look like silence."""
    try:
        return read_sources(config_dir)
    except Faulty as error:
        for fault in error.faults:
            log.error("%s", fault)
        log.error("NO source is read until sources.yaml is mended (%d faults)", len(error.faults))
        return []


def _work(parts: Standalone, config_dir: Path, stop: asyncio.Event, reload: asyncio.Event) -> list[Any]:
    store, settings, clock = parts.store, parts.settings, parts.clock
    poller = open_poller(store, settings, clock, sound_sources(config_dir))
    planned = asyncio.Event()  # what was folded may have planned something to send
    work = [
        run_ticker(store, clock, partitions=store.partitions, stop=stop, every=settings.time.tick),
        run_pump(parts.pump, stop, wakes=planned),
        run_sender(parts.sender, parts.ways, stop, woken=planned),
        run_ways(parts.startup, parts.ways, stop),
        run_reload(parts.reload, reload, stop),
        run_polling(poller, stop),
        run_health(health_file(settings.data_dir, "all"), "all", clock, stop, parts.how),
    ]
    if settings.heartbeat.ping:
        work.append(run_beacons(store, clock, stop=stop, every=settings.heartbeat.canary_every))
    if settings.rules.watch:
        work.append(run_watch(parts.watch, stop, every=settings.rules.watch))
    if settings.webhook.listen:
        work.append(run_webhook(settings, EventIntake(store, clock), stop))
    if settings.console.listen:
        work.append(run_console(settings, store, clock, stop))
    log.info("running: %d sources, a tick every %s", len(poller.feeds()), settings.time.tick)
    return work
