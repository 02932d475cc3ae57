"""What an absence knows of one A, in words: for those who ask why there was no alert."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from almenara.domain.alert import Search
from almenara.domain.event import Event
from almenara.engine.detectors.kept import Status


def account(status: Status, deadline: datetime, inside: Sequence[Event], search: Search) -> Iterator[str]:
    """Where the A stands, by the B inside its window; then what was searched."""
    entries = ", ".join(f"entry {entry.position}" for entry in inside)
    said = {
        Status.PENDING: f"not raised yet: waits until {_iso(deadline)}",
        Status.MET: f"not raised: {entries}, inside the window",
        Status.CLOSED: f"raised, then closed: {entries}",
        Status.RAISED: "raised",
        Status.UNCHECKED: "raised as: could not be checked",
    }
    yield said[status]
    yield f"  window {_iso(search.start)} .. {_iso(search.end)}, deadline {_iso(deadline)}"
    for reading in search.readings:
        covers = f"{_iso(reading.covers_from)} .. {_iso(reading.covers_until)}"
        yield f"  read: {reading.source} at {_iso(reading.recorded)}, covers {covers} ({reading.position})"
    for source in search.unread:
        yield f"  not read over the whole window after it closed: {source}"
    for entry in search.nearest:
        yield f"  nearest entry outside the window: {_iso(entry.time)} ({entry.position})"


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
