"""Explain: why an alert fired, why an event raised none, why somebody was or was not told. From the record alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from almenara.domain.alert import AlertChanged
from almenara.domain.errors import Missing
from almenara.domain.event import Event, is_tick_id
from almenara.domain.ids import cite, is_cite
from almenara.domain.notice import Delivery, Notice
from almenara.engine.engine import Engine
from almenara.engine.matching.condition import held_back
from almenara.engine.rule import SingleRule
from almenara.ports.log import ALERTS, DELIVERIES, EVENTS, NOTICES, LogReader, Record, read_range
from almenara.ports.wire import decode_alerts, decode_delivery, decode_event, decode_notices


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
        found = None if is_tick_id(record.id) else decode_alerts(record.body, record.position)
        if isinstance(found, AlertChanged):
            yield found


def notices(log: LogReader, alert: str) -> list[Notice]:
    """Every decision about one alert (full id)."""
    return [notice for notice in all_notices(log) if notice.changed.alert.uid == alert]


def all_notices(log: LogReader) -> Iterator[Notice]:
    """Every decision about every alert, partition by partition."""
    for record in records(log, NOTICES):
        found = None if is_tick_id(record.id) else decode_notices(record.body, record.position)
        if isinstance(found, Notice):
            yield found


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
    detector = engine.detector(rule_name)
    lines = list(detector.account(event.id)) if detector else []
    if not lines:
        members = [engine.ruleset.by_name[name] for name in rule.rules]
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
    condition = engine.ruleset.matcher.conditions[rule.name]
    held = held_back(rule, view, engine.ruleset.lists)
    if held:
        yield f"not matched: held back by filter {', '.join(held)}"
    else:
        yield "matched" if condition.holds(view) else "not matched: its condition is not met"
    for leaf in condition.leaves:
        values = view.values(leaf.field)
        met = any(leaf.test(view, value) for value in values)
        listed = f" in %{leaf.watchlist}%" if leaf.watchlist else ""
        shown = ", ".join(str(value)[:60] for value in values) or "absent"
        yield f"  {leaf.field}{listed}: {shown} -> {'met' if met else 'not met'}"


def _cites(alert: str, changed: AlertChanged) -> bool:
    wanted = alert.upper()
    return wanted in (changed.alert.cite, changed.alert.cite.removeprefix("ALM-")) or wanted == cite(changed.alert.uid)
