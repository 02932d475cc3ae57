"""Rules over events from files, no state kept: what `rules eval` and a rule's own tests run.

Takes one JSON object after the other; says what each led to. The stream's clock follows what became known, or ticks.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from almenara.domain.errors import Rejected
from almenara.domain.event import Event, event_of
from almenara.engine.detection import Detection
from almenara.engine.engine import EPOCH, Engine
from almenara.engine.matching.match import moment_of
from almenara.engine.ruleset import Ruleset
from almenara.engine.view import lookup

FAR_FUTURE: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
RECORDED: Final = "recorded"


class Evaluation:
    """One run of a ruleset. `clock` is `recorded` or `time`: which time of an event moves the clock."""

    def __init__(self, ruleset: Ruleset, *, clock: str = RECORDED, time_field: str = "@timestamp") -> None:
        self._engine = Engine(ruleset)
        self._clock = clock
        self._time_field = time_field

    def feed(self, raw: Mapping[str, Any], number: int) -> list[dict[str, Any]]:
        """What one object leads to, the deadlines that its time reaches first. Raises Rejected (`bad_event`)."""
        if "specversion" in raw:
            event = cloud_event(raw)
            found = self._engine.tick(event.recorded if self._clock == RECORDED else event.time)
            found += self._engine.apply(event).detections
        elif len(raw) == 1 and "tick" in raw:
            found = self._engine.tick(moment(raw["tick"], "tick"))
        else:
            event = self._plain(raw, number)
            found = self._engine.tick(event.recorded)
            found += self._engine.plain(event)
        return [said(detection) for detection in found] if found else []

    def drain(self) -> list[dict[str, Any]]:
        """The clock goes to the far future: every pending deadline fires."""
        return [said(detection) for detection in self._engine.tick(FAR_FUTURE)]

    def _plain(self, raw: Mapping[str, Any], number: int) -> Event:
        stamp = raw.get(self._time_field)
        if stamp is None or isinstance(stamp, list):
            stamp = next((found for found in lookup(raw, self._time_field) if found is not None), None)
        time = self._engine.clock if stamp is None else moment(stamp, self._time_field)
        if time < EPOCH:
            time = EPOCH
        return event_of(uid=str(number), source="file", type_="", time=time, recorded=time, country="", data=raw)


def said(detection: Detection) -> dict[str, Any]:
    """A detection as one line of output."""
    return {
        "what": str(detection.what),
        "rule": detection.rule,
        "key": dict(detection.key),
        "at": iso(detection.at),
        "events": [event.id for event in detection.events],
        "fields": {matched.field: matched.value for matched in detection.matched},
        **({} if detection.checked else {"checked": False}),
    }


def iso(at: datetime) -> str:
    """A moment as people script against it: UTC with `Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def cloud_event(raw: Mapping[str, Any]) -> Event:
    """A CloudEvent of the outside, as far as rules need it. Raises Rejected (`bad_event`)."""
    for name in ("id", "type", "time"):
        if not isinstance(raw.get(name), str) or not raw[name]:
            raise Rejected("bad_event", f"a CloudEvent needs {name} (text)")
    data, until, recorded = raw.get("data", {}), raw.get("until"), raw.get("recorded")
    if not isinstance(data, dict):
        raise Rejected("bad_event", "data must be an object")
    time = moment(raw["time"], "time")
    return event_of(
        uid=raw["id"],
        source=str(raw.get("source", "file")),
        type_=raw["type"],
        time=time,
        recorded=moment(recorded, "recorded") if recorded else time,
        country=str(raw.get("country", "")),
        data=data,
        until=moment(until, "until") if until else None,
        subject=str(raw.get("subject", "")),
    )


def moment(raw: Any, name: str) -> datetime:
    """ISO 8601 (no offset = UTC), or epoch seconds or milliseconds. Raises Rejected (`bad_event`)."""
    found = moment_of(raw)
    if found is None:
        raise Rejected("bad_event", f"{name}: '{str(raw)[:40]}' is no time; write 2026-01-31T12:00:00Z")
    return found
