"""Polling: each feed is fetched when its time has come, and what it says goes to the intake with the reading itself.

A reading that fails is recorded as failed; nothing that a source does stops the others. Also the dry run of a source,
which stores nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from almenara.app.intake import DraftIntake, Item, Report, for_countries
from almenara.app.sources import LOOKED, LastReading
from almenara.domain.errors import AlmenaraError, Rejected, Unreachable
from almenara.ingest.checked import Previous
from almenara.ingest.draft import Draft
from almenara.ingest.feed import FeedReading, failed_feed, read_feed
from almenara.ingest.sources import FEED, SourceSpec
from almenara.ports.clock import Clock
from almenara.ports.source import Fetched

AT_ONCE: Final = 4
_LOOK_S: Final = 1.0

log = logging.getLogger(__name__)

Parse = Callable[[bytes, str], Mapping[str, Any]]


class Fetch(Protocol):
    """Gets a document over the network."""

    def get(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        """Raises Rejected and Unreachable."""


@dataclass(slots=True)
class _Memory:
    """What is remembered of a source between two readings."""

    due: datetime
    previous: Previous | None = None
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Polled:
    """What one reading came to."""

    source: str
    outcome: str
    report: Report


@dataclass(slots=True)
class Poller:
    """Reads the feeds among `specs`. `watched` are the countries for which a reading is published as well."""

    specs: Sequence[SourceSpec]
    intake: DraftIntake
    fetch: Fetch
    parse: Parse
    clock: Clock
    watched: Sequence[str] = ()
    known: Mapping[str, LastReading] = field(default_factory=dict)
    _memories: dict[str, _Memory] = field(default_factory=dict)

    def __post_init__(self) -> None:
        now = self.clock.now()
        for spec in self.feeds():
            last = self.known.get(spec.id)
            due = last.event.recorded + timedelta(seconds=spec.every_s) if last else now
            # A reading from the future (a clock that was set back) must not silence a source.
            due = min(due, now + timedelta(seconds=spec.every_s))
            self._memories[spec.id] = _Memory(due, last.previous() if last else None)

    def feeds(self) -> list[SourceSpec]:
        """The sources that are polled."""
        return [spec for spec in self.specs if spec.kind == FEED]

    def due(self) -> list[SourceSpec]:
        """The sources whose time has come."""
        now = self.clock.now()
        return [spec for spec in self.feeds() if self._memories[spec.id].due <= now]

    def read(self, spec: SourceSpec) -> Polled:
        """Reads one source and records what came of it. Raises Unreachable when the log cannot be written."""
        memory = self._memories[spec.id]
        at = self.clock.now()
        memory.due = at + timedelta(seconds=spec.every_s)
        first = memory.previous is None
        try:
            fetched = self.fetch.get(spec.url, etag=memory.etag, last_modified=memory.last_modified)
            reading = understand(spec, fetched, self.parse, at, previous=memory.previous)
        except (Rejected, Unreachable) as error:
            log.warning("the source %s could not be read: %s", spec.id, error)
            failed = failed_feed(spec, error, at, previous=memory.previous)
            report = self.intake.take([for_countries(failed, self.watched)], source=spec.id)
            return Polled(spec.id, "failed", report)
        checked = for_countries(reading.checked, self.watched)
        items: list[Item] = [*reading.drafts, *reading.rejected, checked]
        report = self.intake.take(items, source=spec.id, first_reading=first)
        if checked.data["outcome"] in LOOKED:  # what is not trusted is nothing to compare with
            memory.previous = previous_of(checked)
        memory.etag, memory.last_modified = fetched.etag, fetched.last_modified
        return Polled(spec.id, str(checked.data["outcome"]), report)


async def run_polling(poller: Poller, stop: asyncio.Event) -> None:
    """Reads what is due until `stop` is set, a few sources at once."""
    while not stop.is_set():
        due = poller.due()
        for start in range(0, len(due), AT_ONCE):
            await asyncio.gather(*(_guarded(poller, spec) for spec in due[start : start + AT_ONCE]))
        try:
            await asyncio.wait_for(stop.wait(), _LOOK_S)
        except TimeoutError:
            continue


def understand(
    spec: SourceSpec, fetched: Fetched, parse: Parse, at: datetime, *, previous: Previous | None = None
) -> FeedReading:
    """What a fetched feed says. Raises Rejected when it is no feed."""
    parsed = {} if fetched.unchanged else parse(fetched.body, fetched.content_type)
    return read_feed(spec, fetched, parsed, at, previous=previous)


def try_source(spec: SourceSpec, fetch: Fetch, parse: Parse, at: datetime) -> FeedReading:
    """What a reading of the source would give. Stores nothing. Raises Rejected and Unreachable."""
    return understand(spec, fetch.get(spec.url), parse, at)


def previous_of(checked: Draft) -> Previous | None:
    """What the next reading is compared with: this one."""
    data = checked.data
    covers = (datetime.fromisoformat(data["covers"]["from"]), datetime.fromisoformat(data["covers"]["until"]))
    return Previous(covers=covers, sha256=str(data.get("capture", {}).get("sha256", "")), rows=int(data["rows"]))


async def _guarded(poller: Poller, spec: SourceSpec) -> None:
    try:
        polled = await asyncio.to_thread(poller.read, spec)
    except Unreachable as error:
        log.warning("the reading of %s could not be stored: %s", spec.id, error)
    except AlmenaraError as error:
        log.error("the source %s: %s", spec.id, error)
    else:
        log.info("%s read: %s, %d new", spec.id, polled.outcome, len(polled.report.accepted))
