"""Explain: why an alert fired, why an event raised none, why somebody was or was not told. From the record alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from almenara.domain.alert import AlertChanged
from almenara.domain.durations import format_duration
from almenara.domain.errors import Missing
from almenara.domain.event import Event
from almenara.domain.ids import cite, is_cite
from almenara.domain.notice import Delivery, Notice
from almenara.engine.detectors.absence import AbsenceDetector, Status
from almenara.engine.detectors.threshold import ThresholdDetector
from almenara.engine.engine import Engine
from almenara.engine.rule import Correlation, SingleRule
from almenara.ports.log import ALERTS, DELIVERIES, EVENTS, NOTICES, LogReader, Record, read_range
from almenara.ports.wire import decode_alerts, decode_delivery, decode_event, decode_notice


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a rule said nothing (or what it said) about one event: lines in order, the verdict first."""

    event: Event
    rule: str
    lines: tuple[str, ...]


def history(log: LogReader, alert: str) -> list[AlertChanged]:
    """Every change of one alert, named by its citation or full id. Raises Missing."""
    found = [changed for changed in changes(log) if alert.lower() == changed.alert.uid or _cites(alert, changed)]
    if not found:
        mistyped = alert.upper().startswith("ALM-") and not is_cite(alert)
        hint = " (its check digit does not hold: mistyped?)" if mistyped else ""
        raise Missing(f"no alert {alert}{hint}; `almenara alerts list` names them")
    return found


def changes(log: LogReader) -> Iterator[AlertChanged]:
    """Every record of `alerts` that changes an alert, partition by partition."""
    for record in records(log, ALERTS):
        found = decode_alerts(record.body, record.position)
        if isinstance(found, AlertChanged):
            yield found


def notices(log: LogReader, alert: str) -> list[Notice]:
    """Every decision about one alert (full id)."""
    found = (decode_notice(record.body) for record in records(log, NOTICES))
    return [notice for notice in found if notice.changed.alert.uid == alert]


def deliveries(log: LogReader) -> Iterator[Delivery]:
    """Every step of every delivery."""
    for record in records(log, DELIVERIES):
        yield decode_delivery(record.body)


def records(log: LogReader, stream: str) -> Iterator[Record]:
    """A whole stream, partition by partition."""
    for partition in range(log.partitions):
        yield from read_range(log, stream, partition)


def find_event(log: LogReader, name: str) -> tuple[Event, Record]:
    """The event of this id or position (`events/3/17`). Raises Missing."""
    for record in records(log, EVENTS):
        if name in (record.id, record.position):
            return decode_event(record.body, record.position), record
    raise Missing(f"no event {name}; `almenara events list` names them")


def why_not(engine: Engine, event: Event, rule_name: str) -> WhyNot:
    """What the rule made of the event, with the engine as it stands at the end of the partition. Raises Missing."""
    rule = engine.ruleset.by_name.get(rule_name)
    if rule is None:
        raise Missing(f"no rule {rule_name} is active; `almenara rules list` names them")
    if isinstance(rule, SingleRule):
        return WhyNot(event, rule_name, tuple(_single(engine, event, rule)))
    lines: list[str] = []
    detector = engine.detector(rule_name)
    if isinstance(detector, AbsenceDetector):
        lines += _absence(detector, event)
    elif isinstance(detector, ThresholdDetector):
        lines += _threshold(detector, event)
    if not lines:
        members = [engine.ruleset.by_name[name] for name in rule.rules] if isinstance(rule, Correlation) else []
        lines = [f"not raised: the event is none that {rule_name} starts from"]
        for member in members:
            if isinstance(member, SingleRule):
                lines += [f"{member.name}: {line}" for line in _single(engine, event, member)]
    return WhyNot(event, rule_name, tuple(lines))


def _single(engine: Engine, event: Event, rule: SingleRule) -> Iterator[str]:
    if rule.category not in ("", event.type):
        yield f"not matched: the rule looks at {rule.category}, the event is {event.type}"
        return
    view = engine.view(event)
    yield "matched" if rule.condition.holds(view) else "not matched: its condition is not met"
    for leaf in rule.condition.leaves:
        values = view.values(leaf.field)
        met = any(leaf.test(view, value) for value in values)
        listed = f" in %{leaf.watchlist}%" if leaf.watchlist else ""
        shown = ", ".join(str(value)[:60] for value in values) or "absent"
        yield f"  {leaf.field}{listed}: {shown} -> {'met' if met else 'not met'}"


def _absence(detector: AbsenceDetector, event: Event) -> Iterator[str]:
    for anchor, search, inside in detector.account(event.id):
        window = f"{_iso(search.start)} .. {_iso(search.end)}"
        if anchor.status == Status.PENDING:
            yield f"not raised yet: waits until {_iso(anchor.deadline)}"
        elif anchor.status == Status.MET:
            yield "not raised: " + ", ".join(f"entry {entry.position}, inside the window" for entry in inside)
        elif anchor.status == Status.CLOSED:
            yield "raised, then closed: " + ", ".join(f"entry {entry.position}" for entry in inside)
        else:
            yield "raised" if anchor.status == Status.RAISED else "raised as: could not be checked"
        yield f"  window {window}, deadline {_iso(anchor.deadline)}"
        for reading in search.readings:
            covers = f"{_iso(reading.covers_from)} .. {_iso(reading.covers_until)}"
            yield f"  read: {reading.source} at {_iso(reading.recorded)}, covers {covers} ({reading.position})"
        for source in search.unread:
            yield f"  not read over the whole window after it closed: {source}"
        for entry in search.nearest:
            yield f"  nearest entry outside the window: {_iso(entry.time)} ({entry.position})"


def _threshold(detector: ThresholdDetector, event: Event) -> Iterator[str]:
    for key, state in detector.state.keys.items():
        if any(counted.event.id == event.id for counted in state.counted):
            held = [episode for episode in state.episodes if event.id in episode.members]
            verb = f"counted, part of an alert of {len(held[0].members)} events" if held else "not raised: counted"
            timespan = format_duration(detector.rule.timespan)
            near = [c for c in state.counted if abs(c.event.time - event.time) < detector.rule.timespan]
            yield f"{verb}; {len(near)} of its key within {timespan}, {detector.rule.count} are needed"
            yield f"  key {key}"


def _cites(alert: str, changed: AlertChanged) -> bool:
    wanted = alert.upper()
    return wanted in (changed.alert.cite, changed.alert.cite.removeprefix("ALM-")) or wanted == cite(changed.alert.uid)


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
