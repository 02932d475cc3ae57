"""What is dated far ahead of its record is found again by a rule that starts anew, however long ago it was recorded."""

import functools
import random
from collections.abc import Iterable
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from almenara.domain.alert import Change
from almenara.domain.event import Event
from almenara.engine.engine import Engine, dump, load
from almenara.engine.ruleset import Content, Ruleset, build
from almenara.ports.log import EVENTS, Record
from almenara.ports.processor import History
from almenara.ports.wire import encode_event
from almenara.rules import activation
from almenara.rules.activation import take_over
from made_up_life import H, corrected, entry, event, meeting, tick, withdrawn

RULES = """
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
title: A without B
name: missing
correlation: {type: temporal, rules: [a, b], group-by: [k], timespan: 12h, condition: a and not b}
almenara: {absence: {anchor: a, look_back: 6h, grace: 3h, remember: 2d}}
---
title: Two A
name: twice
correlation: {type: event_count, rules: [a], group-by: [k], timespan: 12h, condition: {gte: 2}}
---
title: A, then B
name: then
correlation: {type: temporal_ordered, rules: [a, b], group-by: [k], timespan: 12h}
almenara: {grace: 2h}
---
title: Two of those
name: chained
correlation: {type: event_count, rules: [twice, missing], group-by: [k], timespan: 12h, condition: {gte: 2}}
---
title: New
name: new
logsource: {product: almenara, category: meeting.held}
detection: {any: {'k|exists': true}, condition: any}
almenara: {first_seen: {fields: [k], within: 12h}}
"""


@functools.cache
def rules(version: int) -> Ruleset:
    """The rules; another version of the lists that they look into makes all of them start anew."""
    files = {"rules/r.yml": RULES, "watchlists/w.csv": f"id,name\np-{version},Somebody\n"}
    return build(Content(files, 36_000))


class Log:
    """Events as the records of one partition, and which of them were asked for."""

    def __init__(self, events: list[Event]) -> None:
        self.records = [
            Record(EVENTS, 0, number, one.country, one.id, encode_event(one), b"")
            for number, one in enumerate(events, start=1)
        ]
        self.read: set[int] = set()

    @property
    def history(self) -> History:
        def read(after: int, upto: int) -> list[Record]:
            found = self.records[after:upto]
            self.read |= {record.sequence for record in found}
            return found

        return read


class Told:
    """The alerts of one life as people know them: what ends an alert that was never told says nothing."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, str, str], datetime] = {}

    def take(self, engine: Engine, events: Iterable[Event]) -> list[tuple[str, str, list[str]]]:
        """(rule, what, ids of the alert's events) of every change."""
        found = []
        for said in (said for one in events for said in engine.apply(one).detections):
            name = (said.rule, str(sorted(said.key.items())), said.slot)
            if said.what in (Change.RAISED, Change.UPDATED):
                found.append((said.rule, "updated" if name in self.open else "raised", [e.id for e in said.events]))
                self.open.setdefault(name, said.events[0].time)
            elif self.open.pop(name, None) is not None:
                found.append((said.rule, str(said.what), [e.id for e in said.events]))
        return found

    @property
    def since(self) -> dict[str, datetime]:
        """When the earliest open alert of each rule began."""
        found: dict[str, datetime] = {}
        for (rule, _, _), first in self.open.items():
            found[rule] = min(first, found.get(rule, first))
        return found


def both(
    before: list[Event], after: list[Event], log: Log, *, restored: bool
) -> list[list[tuple[str, str, list[str]]]]:
    """What is said after an activation between the two, and what the new rules say that had always run."""
    told, always = Told(), Told()
    running = Engine(rules(1), apart=True)
    told.take(running, before)
    if restored:
        running = Engine(rules(1), load(dump(running.state)), apart=True)
    made = take_over(rules(2), running, log.history, len(before), since=told.since)
    lasting = Engine(rules(2), apart=True)
    always.take(lasting, before)
    assert always.open == told.open
    return [told.take(made, after), always.take(lasting, after)]


def quiet(days: int) -> list[Event]:
    """A long time in which things happen to others."""
    return [
        one for hour in range(1, days * 24) for one in (event("article.published", f"other{hour}", hour), tick(hour))
    ]


DAYS = 60
AHEAD = [
    [meeting("far", DAYS * 24 - 1, known=1)],
    [corrected(meeting("moved", DAYS * 24 - 1, known=1), 1)],
    [meeting("day", -5, known=1), corrected(meeting("day", DAYS * 24 - 2), 1)],
]


@pytest.mark.parametrize("first", AHEAD)
@pytest.mark.parametrize("restored", [False, True])
def test_what_was_announced_long_ago_counts_under_the_changed_rule(first: list[Event], *, restored: bool) -> None:
    before = [tick(0), *first, *quiet(DAYS)]
    after = [meeting("near", DAYS * 24), tick(DAYS * 24 + 40)]
    told, always = both(before, after, Log(before), restored=restored)
    assert told == always
    assert ("chained", "raised") in [(rule, what) for rule, what, _ in told]


def test_once_its_time_has_passed_it_costs_nothing_any_more() -> None:
    read = {}
    for until in (34, 70):
        before = [tick(0), meeting("ahead", 35 * 24, known=1), *quiet(until)]
        log, running = Log(before), Engine(rules(1), apart=True)
        Told().take(running, before)
        take_over(rules(2), running, log.history, len(before))
        read[until] = min(log.read)
    assert read[34] == 1
    assert read[70] > 1


def test_a_calendar_of_announcements_is_remembered_in_bounds() -> None:
    events = [tick(0)]
    for hour in range(1, 4_000):
        events += [event("meeting.held", f"e{hour}", hour + 30 * 24, known=hour, k=f"o{hour}"), tick(hour)]
    engine = Engine(rules(1), apart=True)
    Told().take(engine, events)
    assert len(engine.state.ahead) <= 64


def life(chance: random.Random, count: int) -> list[Event]:
    """Meetings and entries of now, of before and of far ahead, their corrections and withdrawals, and a clock."""
    found: list[Event] = [tick(0)] if chance.random() < 0.8 else []
    known: list[Event] = []
    clock = 0
    for number in range(count):
        lot, uid = chance.randrange(20), f"e{number}"
        if lot < 9:
            clock += chance.choice([1, 6, 30, 100])
            found.append(event("tick", f"tick/0/{number}", clock))
        elif lot < 17:
            at = clock + chance.choice([0, 0, -3, 9, 30, 200, 200, 700])
            known.append(chance.choice([meeting, meeting, entry])(uid, at, k=chance.choice("xy"), known=clock))
            found.append(known[-1])
        elif known and lot == 17:
            of = chance.choice(known)
            moved = of.time + chance.choice([-2, 5, 200]) * H
            content = {"type": of.type, "time": moved.isoformat(), "data": dict(of.data)}
            found.append(event("event.corrected", uid, clock, of=of.id, event=content))
        elif known and lot == 18:
            found.append(withdrawn(chance.choice(known).id, clock, n=number))
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), cut=st.integers(0, 120), restored=st.booleans())
def test_a_rule_that_starts_anew_goes_on_as_if_it_had_always_run(seed: int, cut: int, *, restored: bool) -> None:
    events = life(random.Random(seed), 120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(activation, "PAGE", 1)  # so that of a short log only the end is read, too
        told, always = both(events[:cut], events[cut:], Log(events[:cut]), restored=restored)
    assert told == always
