"""A recorded case as entries of `events`: its facts and its own clock, in the order in which they became known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from almenara.domain.errors import Fault, Faulty
from almenara.domain.event import Event
from almenara.ingest.ticker import tick_entries
from almenara.ingest.timeline import load
from almenara.ports.log import EVENTS, Entry
from almenara.ports.wire import encode_event


@dataclass(frozen=True, slots=True)
class Step:
    """What became known at one moment: the ticks since the step before, this moment's own last, then the events."""

    at: datetime
    ticks: tuple[datetime, ...]
    events: tuple[Event, ...]

    def entries(self, partitions: int) -> list[Entry]:
        """The records of the step, ticks first."""
        ticks = [entry for tick in self.ticks for entry in tick_entries(tick, partitions)]
        return ticks + [event_entry(event) for event in self.events]


def load_case(folder: Path, watched: Sequence[str], region: Sequence[str]) -> list[Step]:
    """The steps of `folder/timeline.yaml`. Raises Faulty with every fault of the file and the lists it names."""

    def read_file(name: str) -> str:
        return (folder / name).read_text("utf-8")

    file = folder / "timeline.yaml"
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        cure = "run from the project's folder, or name its configuration with --config"
        raise Faulty([Fault(str(file), 0, f"cannot be read: {error.strerror}", cure)]) from error
    timeline = load(text, str(file), read_file, watched, region)
    if timeline.faults:
        raise Faulty(timeline.faults)
    return list(_steps(timeline.events, timeline.ticks))


def event_entry(event: Event) -> Entry:
    """The event as an entry of `events`, keyed by its country."""
    return Entry(EVENTS, event.country, event.id, encode_event(event))


def _steps(events: Sequence[Event], ticks: Sequence[datetime]) -> Iterator[Step]:
    moments = sorted({event.recorded for event in events})
    place = 0
    for moment in moments:
        start = place
        while place < len(ticks) and ticks[place] <= moment:
            place += 1
        known = tuple(event for event in events if event.recorded == moment)
        yield Step(moment, tuple(ticks[start:place]), known)
    if place < len(ticks):
        yield Step(ticks[-1], tuple(ticks[place:]), ())
