"""The timeline format: a case told by hand, each item on the day it became known. Text in, events and clock times out.

    zone: America/Lima          # whose days `day` means
    source: timeline/peru       # the source of every event; optional
    countries: ../lists/c.csv   # names to codes, for list editions; relative to this file; optional
    clock: {every: 1h, from: '2025-06-04T00:00:00Z', until: '2026-03-07T00:00:00Z'}
    items:
      - fact: 11                # which fact of the case it tells; optional
        id: pe-2025-12-26-meeting
        type: meeting.held
        day: '2025-12-26'       # or time: (and until:), ISO with an offset
        known: '2026-01-11T17:00:00Z'
        country: PER            # or a list
        data: {...}             # or list_edition: {...}, see `timeline_lists`

Pure: files are read by the function that is given. docs/timeline-format.md is the reference for people.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from almenara.domain.durations import parse_duration
from almenara.domain.errors import Fault, Rejected
from almenara.domain.event import CHECKED, CORRECTED, Event
from almenara.engine.reading import documents
from almenara.engine.reading.documents import Document, Path
from almenara.ingest.draft import Draft, stamp
from almenara.ingest.timeline_lists import Lists

ReadFile = Callable[[str], str]
"""Gives the text of a file named relative to the timeline's folder; raises an AlmenaraError when it cannot."""

KEYS: Final = ("zone", "source", "countries", "clock", "items")
ITEM_KEYS: Final = (
    "fact", "id", "type", "day", "time", "until", "known", "country", "zone", "subject", "data", "list_edition",
)  # fmt: skip
MAX_TICKS: Final = 200_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """A case: its events in the order in which they became known, the clock's times, and what is wrong with the file.

    `ticks` are every step of the file's clock and every moment at which something became known, in order, each once.
    `facts` says which fact an event (by id) tells.
    """

    events: tuple[Event, ...]
    ticks: tuple[datetime, ...]
    faults: tuple[Fault, ...]
    facts: Mapping[str, int] = field(default_factory=dict)


class _ItemError(Exception):
    def __init__(self, path: Path, what: str, cure: str = "") -> None:
        self.path, self.what, self.cure = path, what, cure


def load(text: str, file: str, read_file: ReadFile, watched: Sequence[str], region: Sequence[str]) -> Timeline:
    """Reads a timeline. Every fault is collected with file and line; items with faults give no event.

    `watched` are the countries that list editions are checked for, `region` those that are named beside them.
    """
    read, faults = documents.read(text, file)
    if not faults and (len(read) != 1 or not isinstance(read[0].data, dict)):
        faults = [Fault(file, 1, "a timeline is one YAML mapping", f"keys: {', '.join(KEYS)}")]
    if faults:
        return Timeline((), (), tuple(faults))
    return _Reading(read[0], Lists(read_file, watched, region)).timeline()


def day_interval(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A local day as the half-open UTC interval that it is."""
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    return start, datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


class _Reading:
    def __init__(self, document: Document, lists: Lists) -> None:
        self.document = document
        self.lists = lists
        self.faults: list[Fault] = []
        self.facts: dict[str, int] = {}
        self.zone = ZoneInfo("UTC")
        self.source = "timeline"

    def timeline(self) -> Timeline:
        top = self.document.data
        self._keys(top, KEYS, ())
        self._guard(self._head)
        items = top.get("items")
        if not isinstance(items, list) or not items:
            self._fault(_ItemError(("items",), "no items", "write a list of items"))
            items = []
        events = [event for index in range(len(items)) for event in self._item(index)]
        self.faults += self.lists.faults
        events.sort(key=lambda event: event.recorded)  # stable: items of one moment keep their order
        ticks: list[datetime] = []
        self._guard(lambda: ticks.extend(self._ticks()))
        ticks = sorted({*ticks, *(event.recorded for event in events)})
        faults = sorted(self.faults, key=lambda fault: (fault.file, fault.line))
        return Timeline(tuple(events), tuple(ticks), tuple(faults), self.facts)

    def _head(self) -> None:
        top = self.document.data
        self.source = str(top.get("source", self.source))
        if "zone" in top:
            self.zone = _zone(top["zone"], ("zone",))
        if "countries" in top:
            self.lists.open_countries(str(top["countries"]), self.document)

    def _ticks(self) -> list[datetime]:
        clock = self.document.data.get("clock")
        if clock is None:
            return []
        if not isinstance(clock, dict) or sorted(clock) != ["every", "from", "until"]:
            raise _ItemError(("clock",), "a clock has every, from and until", "clock: {every: 1h, from: .., until: ..}")
        start, until = (_moment(clock[edge], ("clock", edge)) for edge in ("from", "until"))
        try:
            every = parse_duration(str(clock["every"]))
        except ValueError as error:
            raise _ItemError(("clock", "every"), str(error)) from None
        if not every or until < start or (until - start) / every > MAX_TICKS:
            raise _ItemError(("clock",), f"no clock of 1 to {MAX_TICKS:,} steps", "mend every, from or until")
        return [start + step * every for step in range(int((until - start) / every) + 1)]

    def _item(self, index: int) -> list[Event]:
        path: Path = ("items", index)
        try:
            item = self.document.data["items"][index]
            if not isinstance(item, dict):
                raise _ItemError(path, "an item is a mapping", f"keys: {', '.join(ITEM_KEYS)}")
            self._keys(item, ITEM_KEYS, path)
            draft = self._draft(item, path)
            return self._stamped(draft, item, path)
        except _ItemError as bad:
            self._fault(bad)
        except Rejected as rejected:
            self._fault(_ItemError(path, str(rejected)))
        return []

    def _draft(self, item: dict[str, Any], path: Path) -> Draft:
        zone = _zone(item["zone"], (*path, "zone")) if "zone" in item else self.zone
        known = _moment(_needed(item, "known", path), (*path, "known"))
        common: dict[str, Any] = {"source": self.source, "recorded": known, "countries_key": _countries(item, path)}
        if "list_edition" in item:
            return self._edition(item, path, zone, common)
        data = _needed(item, "data", path)
        if not isinstance(data, dict):
            raise _ItemError((*path, "data"), "data is a mapping")
        start, until = _when(item, path, zone)
        kind = str(_needed(item, "type", path))
        if kind == CORRECTED:
            data = {**data, "event": _corrected(data, (*path, "data"), zone)}
        if kind == CHECKED:
            _check_covers(data, (*path, "data"))
        subject = str(item.get("subject", ""))
        uid = str(_needed(item, "id", path))
        return Draft(id=uid, type=kind, time=start, until=until, subject=subject, data=data, **common)

    def _edition(self, item: dict[str, Any], path: Path, zone: ZoneInfo, common: dict[str, Any]) -> Draft:
        edition_path = (*path, "list_edition")
        made = self.lists.edition(item["list_edition"], edition_path, self.document)
        if made is None:
            raise _ItemError(edition_path, "this edition was not read", "mend the faults of this file and its lists")
        announced, data = made
        start, until = day_interval(date.fromisoformat(announced), zone)
        uid = str(item.get("id") or f"{data['list']['id']}-{announced}")
        subject = str(item.get("subject") or data["list"]["id"])
        return Draft(id=uid, type="list.changed", time=start, until=until, subject=subject, data=data, **common)

    def _stamped(self, draft: Draft, item: dict[str, Any], path: Path) -> list[Event]:
        events = stamp(draft, draft.recorded or draft.time)
        fact = item.get("fact")
        if fact is not None and (not isinstance(fact, int) or isinstance(fact, bool) or fact < 1):
            raise _ItemError((*path, "fact"), f"'{fact}' is no fact's number")
        for event in events:
            if event.id in self.facts:
                raise _ItemError((*path, "id"), f"the id '{event.id}' stands twice", "give each item its own id")
            self.facts[event.id] = fact or 0
        return events

    def _keys(self, found: Mapping[str, Any], known: Sequence[str], path: Path) -> None:
        for key in found:
            if key not in known:
                self._fault(_ItemError((*path, key), f"unknown key '{key}'", f"one of {', '.join(known)}"))

    def _guard(self, act: Callable[[], None]) -> None:
        try:
            act()
        except _ItemError as bad:
            self._fault(bad)

    def _fault(self, bad: _ItemError) -> None:
        self.faults.append(self.document.fault(bad.path, bad.what, bad.cure))


def _needed(item: Mapping[str, Any], key: str, path: Path) -> Any:
    if item.get(key) in (None, ""):
        raise _ItemError(path, f"no {key}", f"add `{key}:`")
    return item[key]


def _countries(item: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    found = _needed(item, "country", path)
    return tuple(str(code) for code in found) if isinstance(found, list) else (str(found),)


def _when(item: Mapping[str, Any], path: Path, zone: ZoneInfo) -> tuple[datetime, datetime | None]:
    if ("day" in item) == ("time" in item):
        raise _ItemError(path, "an item has either day or time", "day: '2025-12-26', or time: '2025-12-29T14:20:00Z'")
    if "day" in item:
        try:
            return day_interval(date.fromisoformat(str(item["day"])), zone)
        except (ValueError, OverflowError):
            raise _ItemError((*path, "day"), f"'{item['day']}' is no day", "write '2025-12-26'") from None
    until = _moment(item["until"], (*path, "until")) if "until" in item else None
    return _moment(item["time"], (*path, "time")), until


def _moment(value: Any, path: Path) -> datetime:
    try:
        made = datetime.fromisoformat(str(value))
        if made.utcoffset() is None:
            raise ValueError
        return made.astimezone(UTC)
    except (ValueError, OverflowError):
        cure = "write '2026-01-11T17:00:00Z', or an offset such as -05:00"
        raise _ItemError(path, f"'{value}' is no time with an offset", cure) from None


def _zone(value: Any, path: Path) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):
        raise _ItemError(path, f"'{value}' is no time zone", "write an IANA name such as America/Lima") from None


def _corrected(data: Mapping[str, Any], path: Path, zone: ZoneInfo) -> dict[str, Any]:
    """The content of a correction with its day written out as times, which is what the log holds."""
    content = data.get("event")
    if not isinstance(data.get("of"), str) or not isinstance(content, dict):
        raise _ItemError(path, "a correction needs `of` and `event`", "of: the id, event: {type, day or time, data}")
    event_path = (*path, "event")
    start, until = _when(content, event_path, zone)
    _needed(content, "type", event_path)
    _needed(content, "data", event_path)
    kept = {key: value for key, value in content.items() if key != "day"}
    times = {"time": start.isoformat()} | ({"until": until.isoformat()} if until else {})
    return kept | times


def _check_covers(data: Mapping[str, Any], path: Path) -> None:
    covers = data.get("covers")
    if not isinstance(covers, dict) or sorted(covers) != ["from", "until"]:
        raise _ItemError((*path, "covers"), "a reading covers from .. until", "covers: {from: '...', until: '...'}")
    start, until = (_moment(covers[edge], (*path, "covers", edge)) for edge in ("from", "until"))
    if until <= start:
        raise _ItemError((*path, "covers"), "the reading covers no time", "until must be after from")
