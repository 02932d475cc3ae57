"""Events from files and from people's hands into the log: CloudEvents JSONL, the timeline format, single entries."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from almenara.app.intake import DraftIntake, Report, count
from almenara.domain.errors import Fault, Faulty, Missing, Rejected
from almenara.domain.event import ACTIVATIONS, COMMANDS, CORRECTED, TICK, WITHDRAWN, Event
from almenara.ingest.cloudevents import read_jsonl
from almenara.ingest.draft import BAD_DATA, Draft
from almenara.ingest.intake import event_entry
from almenara.ingest.ticker import tick_entries
from almenara.ingest.timeline import ReadFile, Timeline, load
from almenara.ports.log import Entry, LogWriter
from almenara.ports.wire import sorted_data

TIMELINE: Final = (".yaml", ".yml")
HAND: Final = "hand"
_NOT_OBSERVED: Final = (*ACTIVATIONS, *COMMANDS, TICK, CORRECTED, WITHDRAWN)
_BATCH: Final = 1_000


def publish_jsonl(intake: DraftIntake, body: bytes, name: str) -> Report:
    """Takes CloudEvents, one a line. A bad line never stops the others."""
    return intake.take_numbered(read_jsonl(body), source=name)


def publish_timeline(
    log: LogWriter, file: Path, watched: Sequence[str], region: Sequence[str], *, partitions: int, clock: bool
) -> Report:
    """Takes a timeline. With `clock` its own clock goes into the log too, so that it runs in its own time.

    Raises Faulty with every fault of the file: a timeline is taken whole or not at all.
    """
    timeline = load(_text(file), str(file), _reader(file.parent), watched, region)
    if timeline.faults:
        raise Faulty(timeline.faults)
    report = Report()
    entries = list(_entries(timeline, partitions if clock else 0))
    for start in range(0, len(entries), _BATCH):
        batch = entries[start : start + _BATCH]
        count(log.append(batch), batch, report)
    return report


def hand_draft(type_: str, time: datetime, countries: Sequence[str], data: Mapping[str, Any], *, by: str) -> Draft:
    """An event that a person enters; who it was stands in its source."""
    return Draft(source=f"{HAND}/{by}", type=type_, time=time, countries_key=tuple(countries), data=data)


def correction(of: Event, content: Mapping[str, Any], at: datetime, *, by: str, reason: str) -> Draft:
    """`event.corrected`: from now on `of` says what `content` says (type, time, until, data; what is missing stays).

    Raises Rejected for what cannot be corrected.
    """
    _correctable(of)
    said = {
        "type": content.get("type", of.type),
        "time": content.get("time", of.time.isoformat()),
        "data": content.get("data", sorted_data(of.data)),
    }
    until = content.get("until", None if "time" in content or of.until is None else of.until.isoformat())
    data = {"of": of.id, "event": said | ({"until": until} if until else {}), "by": by, "reason": reason}
    return _about(of, CORRECTED, data, at, by)


def withdrawal(of: Event, at: datetime, *, by: str, reason: str) -> Draft:
    """`event.withdrawn`: `of` does not count any more. Raises Rejected for what cannot be withdrawn."""
    _correctable(of)
    return _about(of, WITHDRAWN, {"of": of.id, "by": by, "reason": reason}, at, by)


def _about(of: Event, type_: str, data: Mapping[str, Any], at: datetime, by: str) -> Draft:
    return Draft(
        source=f"{HAND}/{by}", type=type_, time=at, recorded=at, countries_key=(of.country,), subject=of.id, data=data
    )


def _correctable(of: Event) -> None:
    if of.type in _NOT_OBSERVED:
        raise Rejected(BAD_DATA, f"{of.id} is a record of type {of.type}, not an observed event")


def _entries(timeline: Timeline, partitions: int) -> Iterator[Entry]:
    """Ticks and events in the order of the file's own time; the tick of a moment comes before what became known."""
    waiting = deque(timeline.ticks if partitions else ())
    for event in timeline.events:
        while waiting and waiting[0] <= event.recorded:
            yield from tick_entries(waiting.popleft(), partitions)
        yield event_entry(event)
    for tick in waiting:
        yield from tick_entries(tick, partitions)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Faulty([Fault(str(file), 0, "not UTF-8 text", "save the file as UTF-8")]) from None
    except OSError as error:
        raise Faulty([Fault(str(file), 0, f"cannot be read ({error.strerror})", "check the path")]) from None


def _reader(folder: Path) -> ReadFile:
    def read(name: str) -> str:
        try:
            return (folder / name).read_text("utf-8")
        except UnicodeDecodeError:
            raise Missing(f"{name} is not UTF-8 text; save the file as UTF-8") from None
        except OSError as error:
            raise Missing(f"{name} cannot be read ({error.strerror})") from None

    return read
