"""What a second reader found: alerts that were lost, joined or doubled where several parts of the engine meet."""

from datetime import timedelta

import pytest

from almenara.domain.event import Event
from almenara.engine.engine import Engine, dump, load
from almenara.engine.ruleset import Content, Ruleset, build
from made_up_life import T0, H, event, tick

MEMBERS = """
title: A
name: a
logsource: {product: almenara, category: meeting.held}
detection: {any: {'k|exists': true}, condition: any}
---
title: B
name: b
logsource: {product: almenara, category: meeting.registered}
detection: {any: {'k|exists': true}, condition: any}
---
title: S
name: s
logsource: {product: almenara, category: office.changed}
detection: {any: {'k|exists': true}, condition: any}
---
title: A without B
name: missing
correlation: {type: temporal, rules: [a, b], group-by: [k], timespan: 30d, condition: a and not b}
almenara: {absence: {anchor: a}}
---
title: S, and A without B
name: both
correlation: {type: temporal, rules: [missing, s], group-by: [k], timespan: 2d}
"""
REPORTS = """
title: Reports of one happening
name: reports
logsource: {product: almenara, category: meeting.held}
detection: {any: {'k|exists': true}, condition: any}
almenara: {one_per: {keys: [k], within: 24h}}
"""
NEW = """
title: New
name: new
logsource: {product: almenara, category: meeting.held}
detection: {any: {'k|exists': true}, condition: any}
almenara: {first_seen: {fields: [k], within: 1d, learn: 2d}}
"""


def ruleset(text: str, lateness_s: int | None = None) -> Ruleset:
    return build(Content({"rules/r.yml": text}, lateness_s))


def said(engine: Engine, *events: Event) -> list[tuple[str, str, str]]:
    return [(d.rule, str(d.what), d.slot) for one in events for d in engine.apply(one).detections]


@pytest.mark.parametrize("days", [None, 1, 7, 40])
def test_what_a_late_member_should_meet_is_still_there(days: int | None) -> None:
    engine = Engine(ruleset(MEMBERS, None if days is None else days * 86_400), apart=True)
    found = said(engine, event("meeting.held", "a1", 1, k="x"), event("office.changed", "s1", 2, k="x"))
    for day in range(1, 35):
        found += said(engine, event("office.changed", f"o{day}", 24 * day, k="other"), tick(24 * day))
    assert [(rule, what) for rule, what, _ in found] == [("both", "raised")]


def test_reports_of_a_rule_over_one_event_are_joined_by_its_fields() -> None:
    engine = Engine(ruleset(REPORTS), apart=True)
    events = [
        event("meeting.held", uid, hour, k=k) for hour, (uid, k) in enumerate([("1", "x"), ("2", "y"), ("3", "x")])
    ]
    assert said(engine, *events) == [
        ("reports", "raised", "1"),
        ("reports", "raised", "2"),
        ("reports", "updated", "1"),
    ]


@pytest.mark.parametrize("cut", [16, 17, 20, 30])
def test_a_restart_while_silent_keys_are_forgotten_changes_nothing(cut: int) -> None:
    first = event("meeting.held", "f", 0, k="first")
    first = Event(**{name: getattr(first, name) for name in Event.__slots__} | {"until": T0 + timedelta(days=30)})
    events = [first, *(event("meeting.held", f"q{n}", 30, k=f"quiet{n}") for n in range(12)), tick(31), tick(45 * 24)]
    events += [event("meeting.held", f"l{n}", 45 * 24, k="loud") for n in range(20)]
    content = {"type": "meeting.held", "time": (T0 - 30 * H).isoformat(), "data": {"k": "first"}}
    events.append(event("event.corrected", "c", 45 * 24 + 1, of="f", event=content))
    rules = ruleset(NEW, 3_600)
    plain, restarted = Engine(rules, apart=True), Engine(rules, apart=True)
    for place, one in enumerate(events):
        if place == cut:
            restarted = Engine(rules, load(dump(restarted.state)), apart=True)
        assert said(restarted, one) == said(plain, one)
