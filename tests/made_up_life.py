"""A short made-up life of one partition: rules of every kind, and streams of all that can happen to them.

Shared by the tests of the rules service. Knows no store but the ports it is given.
"""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from almenara.app.activation import Checked, activate_rules, check
from almenara.domain.alert import AlertChanged
from almenara.domain.event import Event
from almenara.engine.ruleset import Content
from almenara.ports.log import ALERTS, EVENTS, Entry, LogReader, read_range
from almenara.ports.store import Store
from almenara.ports.wire import decode_alerts, encode_event

T0 = datetime(2030, 1, 1, tzinfo=UTC)
H = timedelta(hours=1)
BEYOND = ("9999-12-31T23:59:59-10:00", "9999-12-31T12:00:00+00:00")
"""No moment at all, and one whose day in Auckland lies beyond the calendar: on the second the engine fails half way."""

RULES = """
title: A
name: a
logsource: {product: almenara, category: meeting.held}
detection: {any: {'k|exists': true}, never: {ce.day: '1970-01-01'}, condition: any and not never}
---
title: B
name: b
logsource: {product: almenara, category: meeting.registered}
detection: {any: {'k|exists': true}, condition: any}
---
title: A without B
name: missing
level: high
correlation:
  type: temporal
  rules: [a, b]
  group-by: [k, who]
  timespan: 12h
  condition: a and not b
almenara:
  absence: {anchor: a, look_back: 6h, grace: 3h, on_late: %(on_late)s, coverage: %(coverage)s}
  one_per: {keys: %(keys)s, within: 24h}
---
title: Shock
name: shock
logsource: {product: almenara, category: office.changed}
detection: {any: {'k|exists': true}, condition: any}
---
title: Many shocks
name: many
correlation: {type: event_count, rules: [shock], group-by: [k], timespan: 48h, condition: {gte: 3}}
---
title: A strong statement
name: strong
level: %(level)s
logsource: {product: almenara, category: statement.made}
detection: {any: {'k|exists': true}, condition: any}
"""


def checked(
    *, on_late: str = "resolve", coverage: str = "[reg]", keys: str = "[k, who]", level: str = "low",
    lateness_s: int | None = None,
) -> Checked:  # fmt: skip
    """The rules above, compiled."""
    text = RULES % {"on_late": on_late, "coverage": coverage, "keys": keys, "level": level}
    zones = "country,zone\nPER,Pacific/Auckland\n"
    return check(Content({"rules/r.yml": text, "lexicons/zones.csv": zones}, lateness_s))


def event(type_: str, uid: str, at: int, *, known: int | None = None, country: str = "PER", **data: Any) -> Event:
    """An event `at` hours after T0, known `known` hours after T0."""
    recorded = T0 + (at if known is None else known) * H
    return Event(id=uid, source="t", type=type_, time=T0 + at * H, recorded=recorded, country=country, data=data)


def tick(hour: int) -> Event:
    """The clock."""
    at = T0 + hour * H
    return Event(id=f"tick/0/{hour}", source="t", type="tick", time=at, recorded=at, country="ZZZ")


def meeting(uid: str, at: int, *, k: str = "x", who: str = "y", **more: Any) -> Event:
    """A: a meeting."""
    return event("meeting.held", uid, at, k=k, who=who, **more)


def entry(uid: str, at: int, *, k: str = "x", who: str = "y", **more: Any) -> Event:
    """B: an entry in the register."""
    return event("meeting.registered", uid, at, k=k, who=who, **more)


def reading(uid: str, until: int, known: int, *, outcome: str = "new", country: str = "PER") -> Event:
    """The register was read from T0 - 100 h up to `until`."""
    covers = {"from": (T0 - 100 * H).isoformat(), "until": (T0 + until * H).isoformat()}
    return event(
        "source.checked", uid, known, country=country, source={"id": "reg"}, outcome=outcome, covers=covers
    )  # fmt: skip


def withdrawn(of: str, known: int, **more: Any) -> Event:
    """The event `of` did not happen."""
    return event("event.withdrawn", f"w/{of}/{known}", known, of=of, **more)


def corrected(of: Event, known: int, **data: Any) -> Event:
    """The event `of` with other data, at the same time."""
    content = {"type": of.type, "time": of.time.isoformat(), "data": {**of.data, **data}}
    return event("event.corrected", f"c/{of.id}/{known}", known, country=of.country, of=of.id, event=content)


def log(store: Store, *events: Event) -> None:
    """Appends the events to partition 0."""
    store.append([Entry(EVENTS, e.country, e.id, encode_event(e), 0) for e in events])


def activate(store: Store, rules: Checked, hour: int = -1000) -> None:
    """The rules go live."""
    activate_rules(store, rules, T0 + hour * H, by="t", reason="t")


def changes(store: LogReader) -> list[AlertChanged]:
    """Every change of an alert in partition 0."""
    found = (decode_alerts(record.body) for record in read_range(store, ALERTS, 0))
    return [changed for changed in found if isinstance(changed, AlertChanged)]


def said(store: LogReader) -> list[tuple[str, str, str, list[str]]]:
    """(rule, what, reason, ids of the alert's events) of every change."""
    return [
        (c.alert.rule, str(c.change), str(c.reason), [e.id for e in c.alert.events]) for c in changes(store)
    ]  # fmt: skip


def life(chance: random.Random, count: int) -> list[Event]:
    """A stream of `count` things: meetings, entries, readings, shocks, statements, corrections, withdrawals, ticks."""
    found: list[Event] = []
    known: list[Event] = []
    clock = 0
    for number in range(count):
        uid, at = f"e{number}", clock - chance.choice([0, 0, 1, 5, 20])
        k, who = chance.choice("xy"), chance.choice("yz")
        lot = chance.randrange(20)
        if lot < 6:
            clock += chance.choice([0, 1, 3, 16, 40])
            found.append(event("tick", f"tick/0/{number}", clock))
            continue
        if lot < 14:
            kind = chance.choice(["meeting.held", "meeting.held", "meeting.registered", "office.changed",
                                  "statement.made"])  # fmt: skip
            known.append(event(kind, uid, at, known=clock, k=k, who=chance.choice([who, ["y", "z"]])))
            found.append(known[-1])
        elif lot < 16:
            known.append(reading(uid, clock - chance.choice([0, 2, 10]), clock))
            found.append(known[-1])
        elif known and lot < 18:
            of = chance.choice(known)
            if chance.random() < 0.1:
                content: dict[str, Any] = {"type": of.type, "time": chance.choice(BEYOND), "data": of.data}
            else:
                moved = of.time + chance.choice([-5, 0, 0, 15]) * H
                content = {"type": of.type, "time": moved.isoformat(), "data": {**of.data, "k": k}}
            found.append(event("event.corrected", uid, clock, of=of.id, event=content))
        elif known:
            found.append(event("event.withdrawn", uid, clock, of=chance.choice(known).id))
    return found
