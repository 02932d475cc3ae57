"""Silences of people: as records of every partition, how they stand, and what they hold back or would have.

Reads the record alone; that something is held back is decided by the notifier's route.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from almenara.app.commands import append_everywhere
from almenara.audit.explain import all_notices
from almenara.domain.alert import NEWS
from almenara.domain.errors import Missing, Refused, Rejected
from almenara.domain.event import SILENCE, SILENCE_END
from almenara.domain.ids import content_id
from almenara.domain.notice import Decision, Notice, NotSent
from almenara.domain.silence import Silence
from almenara.notifier.route import silence_of
from almenara.notifier.route.matching import silences
from almenara.ports.log import EVENTS, LogReader, LogWriter, read_range
from almenara.ports.store import Store
from almenara.ports.wire import decode_event, plain

ID_LENGTH: Final = 10
"""As much of the content's hash as people have to type."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A silence, and when it was ended before its time."""

    silence: Silence
    ended: datetime | None = None

    def state(self, now: datetime) -> str:
        """`waiting`, `active` or `over`."""
        if self.ended is not None or now >= self.silence.until:
            return "over"
        return "active" if now >= self.silence.start else "waiting"


def silence_id(data: dict[str, Any], at: datetime) -> str:
    """The id of a silence that is asked for now."""
    return content_id("silence", data, at)[:ID_LENGTH]


def add(log: LogWriter, partitions: int, silence: Silence, at: datetime) -> None:
    """Writes the silence into every partition."""
    matcher = {name: value for name, value in plain(silence.matcher).items() if value}
    data: dict[str, Any] = {
        "silence": silence.id,
        "until": silence.until.isoformat(),
        "by": silence.by,
        "reason": silence.reason,
        "matcher": matcher,
    }
    if silence.start > at:
        data["start"] = silence.start.isoformat()
    if silence.alert:
        data["alert"] = silence.alert
    append_everywhere(log, SILENCE, data, at, partitions=partitions)


def end(store: Store, name: str, at: datetime, *, by: str, reason: str) -> Silence:
    """Ends a silence before its time. Raises Missing, and Refused for one that is over."""
    found = find(store, name)
    if found.state(at) == "over":
        raise Refused(f"silence {name} is over")
    data = {"silence": found.silence.id, "by": by, "reason": reason}
    append_everywhere(store, SILENCE_END, data, at, partitions=store.partitions)
    return found.silence


def listed(log: LogReader) -> list[Standing]:
    """Every silence, oldest first. They are in every partition, so one is read."""
    found: dict[str, Standing] = {}
    for record in read_range(log, EVENTS, 0):
        # ids of commands start with their type: nothing else has to be decoded
        if not record.id.startswith((f"{SILENCE}/", f"{SILENCE_END}/")):
            continue
        event = decode_event(record.body, record.position)
        if event.type == SILENCE:
            with suppress(Rejected):  # the notifier did not take it either
                silence = silence_of(event)
                found[silence.id] = Standing(silence)
        elif (there := found.get(str(event.data.get("silence")))) is not None:
            found[there.silence.id] = Standing(there.silence, there.ended or event.recorded)
    return list(found.values())


def find(log: LogReader, name: str) -> Standing:
    """The silence of this id. Raises Missing."""
    found = next((one for one in listed(log) if one.silence.id == name), None)
    if found is None:
        raise Missing(f"no silence {name}; `almenara silences list` names them")
    return found


def held_by(log: LogReader, name: str) -> Iterator[Notice]:
    """What a silence has held back, in the order of the record."""
    return (one for one in all_notices(log) if one.reason == NotSent.SILENCED and one.ref == name)


def would_hold(log: LogReader, silence: Silence, since: datetime) -> Iterator[Notice]:
    """News that was planned since then and that the silence, had it been there, would have held back."""
    for notice in all_notices(log):
        if notice.decision != Decision.PLANNED or notice.changed.change not in NEWS or notice.at < since:
            continue
        if silences(silence, notice.changed.alert, max(silence.start, min(notice.at, silence.until))):
            yield notice
