"""The sources of `sources.yaml`, and what the log knows of their readings. Knows nothing of fetching."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from almenara.app.config_file import read_document
from almenara.domain.errors import Fault, Faulty, Missing, Rejected
from almenara.domain.event import CHECKED, Event
from almenara.ingest.checked import Previous, ReadOutcome
from almenara.ingest.sources import SourceSpec, nearest, parse_sources
from almenara.ports.log import EVENTS, LogReader, Record
from almenara.ports.wire import decode_event

FILE: Final = "sources.yaml"
_PAGE: Final = 1_000
_MARK: Final = f'"{CHECKED}"'.encode()
LOOKED: Final = (ReadOutcome.NEW.value, ReadOutcome.UNCHANGED.value)


@dataclass(frozen=True, slots=True)
class LastReading:
    """The newest reading of a source, and the newest that went well (None = never)."""

    event: Event
    good: Event | None

    @property
    def outcome(self) -> str:
        """How the newest one went."""
        return str(self.event.data.get("outcome", ""))

    def previous(self) -> Previous | None:
        """What the next reading is compared with."""
        if self.good is None:
            return None
        data = self.good.data
        covers, capture = data.get("covers", {}), data.get("capture", {})
        try:
            interval = (_moment(covers["from"]), _moment(covers["until"]))
            return Previous(covers=interval, sha256=str(capture.get("sha256", "")), rows=int(data.get("rows", 0)))
        except (KeyError, ValueError, OverflowError, TypeError, AttributeError):
            return None


def read_sources(config_dir: Path) -> list[SourceSpec]:
    """Every source, in order; a missing file means none. Raises Faulty with every fault."""
    specs, faults = parse_file(config_dir)
    if faults:
        raise Faulty(faults)
    return specs


def parse_file(config_dir: Path) -> tuple[list[SourceSpec], list[Fault]]:
    """Every sound source, and every fault."""
    document, faults = read_document(config_dir / FILE, required=False)
    if faults:
        return [], faults
    return parse_sources([document])


def source_of(specs: Collection[SourceSpec], name: str) -> SourceSpec:
    """The source of this id. Raises Missing with the nearest one."""
    for spec in specs:
        if spec.id == name:
            return spec
    raise Missing(f"no source '{name}' in {FILE}; {nearest(name, [spec.id for spec in specs])}")


def last_readings(log: LogReader, ids: Collection[str]) -> dict[str, LastReading]:
    """The newest readings of these sources. Reads backwards, and stops as soon as every source is found."""
    newest: dict[str, Event] = {}
    good: dict[str, Event] = {}
    for partition in range(log.partitions):
        for event in _readings(log, partition):
            source = event.data.get("source")
            uid = str(source.get("id", "")) if isinstance(source, dict) else ""
            if uid in ids:
                _keep(newest, uid, event)
                if event.data.get("outcome") in LOOKED:
                    _keep(good, uid, event)
            if len(good) == len(ids):
                break
    return {uid: LastReading(event, good.get(uid)) for uid, event in newest.items()}


def _keep(found: dict[str, Event], uid: str, event: Event) -> None:
    if uid not in found or event.recorded > found[uid].recorded:
        found[uid] = event


def _readings(log: LogReader, partition: int) -> Iterator[Event]:
    for record in backwards(log, EVENTS, partition):
        if _MARK in record.body:
            try:
                event = decode_event(record.body, record.position)
            except Rejected:
                continue
            if event.type == CHECKED:
                yield event


def backwards(log: LogReader, stream: str, partition: int) -> Iterator[Record]:
    """The records of a partition from the last to the first."""
    upto = log.end(stream, partition)
    while upto > 0:
        after = max(0, upto - _PAGE)
        yield from reversed([r for r in log.read(stream, partition, after, upto - after) if r.sequence <= upto])
        upto = after


def _moment(text: Any) -> datetime:
    found = datetime.fromisoformat(str(text))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
