"""Every detector over counted events under everything that can happen to a stream, held to the written definition."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from almenara.domain.alert import Change
from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.engine import Engine, dump, load
from almenara.engine.ruleset import Content, build
from counted_definition import (
    Alert,
    Counted,
    changes,
    in_order,
    of_windows,
    one_by_one,
    values_of,
    window,
    with_baseline,
)

T0 = datetime(2030, 1, 1, tzinfo=UTC)
H = timedelta(hours=1)
DAY = timedelta(days=1)

SINGLES = "\n---\n".join(
    f"title: {name}\nname: {name}\nlogsource: {{product: almenara}}\ndetection: {{s: {{m: {name}}}, condition: s}}"
    for name in "abc"
)


def rules(words: int, grace: str = "0s") -> str:
    """All kinds of rules; other `words` say the same in another way."""
    made = []
    for name, correlation in CORRELATIONS.items():
        own = {"usual": "baseline: {of: 96h, at_least: 1.5}"}.get(name, "")
        made.append(
            f"title: {name} {words}\nname: {name}\ncorrelation: {{timespan: {SPANS.get(name, 10)}h, {correlation}}}\n"
            f"almenara: {{grace: {grace}{', ' if own else ''}{own}}}"
        )
    for name, own in (
        ("new", "first_seen: {fields: [n], keys: [k], within: 30h, learn: 0s}"),
        ("learnt", "first_seen: {fields: [n], keys: [k], within: 30h, learn: 40h}"),
        ("changed", "change: {field: n, keys: [k]}"),
    ):
        made.append(
            f"title: {name} {words}\nname: {name}\nlogsource: {{product: almenara}}\n"
            f"detection: {{s: {{m: a}}, condition: s}}\nalmenara: {{{own}, grace: {grace}}}"
        )
    return "\n---\n".join([SINGLES, *made])


OF_A = "rules: [a], group-by: [k]"
OF_ALL = "rules: [a, b, c], group-by: [k]"
CORRELATIONS = {
    "three": f"type: event_count, {OF_A}, condition: {{gte: 3}}",
    "few": f"type: event_count, {OF_A}, condition: {{lte: 2}}",
    "two": f"type: event_count, {OF_A}, condition: {{eq: 2}}",
    "many": f"type: event_count, {OF_ALL}, condition: {{gt: 3}}",
    "kinds": f"type: value_count, {OF_A}, condition: {{gte: 2, field: n}}",
    "pairs": f"type: value_count, {OF_A}, condition: {{gte: 3, field: [n, m]}}",
    "sum": f"type: value_sum, {OF_A}, condition: {{gte: 0.6, field: n}}",
    "mean": f"type: value_avg, {OF_A}, condition: {{lt: 0.25, field: n}}",
    "tail": f"type: value_percentile, {OF_A}, condition: {{gte: 0.3, field: n, percentile: 60}}",
    "middle": f"type: value_median, {OF_A}, condition: {{eq: 0.2, field: n}}",
    "together": f"type: temporal, {OF_ALL}",
    "either": f"type: temporal, {OF_ALL}, condition: a and (b or c)",
    "only": f"type: temporal, {OF_ALL}, condition: (a and not b) or (c and not b)",
    "then": f"type: temporal_ordered, {OF_ALL}",
    "again": "type: event_count, generate: true, rules: [three], group-by: [k], condition: {gte: 2}",
    "above": "type: temporal, generate: true, rules: [again, b], group-by: [k]",
    "usual": f"type: event_count, {OF_A}, condition: {{gte: 2}}",
}
SPANS = {"again": 60, "above": 48, "usual": 12}


def measures(name: str) -> Callable[[list[Counted]], bool]:
    def sized(held: list[Counted]) -> int:
        return len(held)

    def different(held: list[Counted]) -> int:
        return len(set(values_of(held)))

    def exact(held: list[Counted]) -> list[Fraction]:
        return sorted(Fraction(str(value)) for value in values_of(held))

    def middle(held: list[Counted]) -> Fraction:
        n = exact(held)
        return (n[(len(n) - 1) // 2] + n[len(n) // 2]) / 2

    def there(held: list[Counted]) -> set[str]:
        return {member for counted in held for member in counted.members}

    return {
        "three": lambda held: sized(held) >= 3,
        "few": lambda held: sized(held) <= 2,
        "two": lambda held: sized(held) == 2,
        "many": lambda held: sized(held) > 3,
        "kinds": lambda held: different(held) >= 2,
        "pairs": lambda held: different(held) >= 3,
        "sum": lambda held: sum(exact(held)) >= Fraction("0.6"),
        "mean": lambda held: sum(exact(held)) / len(exact(held)) < Fraction("0.25"),
        "tail": lambda held: exact(held)[-(-60 * len(exact(held)) // 100) - 1] >= Fraction("0.3"),
        "middle": lambda held: middle(held) == Fraction("0.2"),
        "together": lambda held: there(held) == {"a", "b", "c"},
        "either": lambda held: "a" in there(held) and bool(there(held) & {"b", "c"}),
        "only": lambda held: "b" not in there(held),
        "then": lambda held: in_order(held, "abc"),
        "again": lambda held: sized(held) >= 2,
        "above": lambda held: there(held) == {"again", "b"},
    }[name]


def expected(events: Iterable[Event]) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """The alerts of every rule: key and ids of their events."""
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    known = list(events)
    first = min((e.time for e in known if "a" in listed(e.data["m"])), default=T0)
    for k in "xy":
        mine = [event for event in known if event.data["k"] == k]
        made: dict[str, list[Alert]] = {}
        for name in CORRELATIONS:
            span = SPANS.get(name, 10) * H
            if name == "again":
                counted = [chained(alert, "three") for alert in made["three"]]
            elif name == "above":
                counted = [*(chained(alert, "again") for alert in made["again"]), *signals(name, mine, "b")]
            else:
                counted = signals(name, mine, "abc" if OF_ALL in CORRELATIONS[name] else "a")
            if name == "usual":
                start = min((event.time for event in known if "a" in listed(event.data["m"])), default=T0)
                made[name] = usual(counted, start)
            else:
                made[name] = of_windows(counted, span, measures(name))
        for name, alerts in made.items():
            found.setdefault(name, []).extend((k, alert.ids) for alert in alerts)
        of_a = [event for event in mine if "a" in listed(event.data["m"])]
        for value in {str(event.data["n"]) for event in of_a}:
            same = [Counted(event) for event in of_a if str(event.data["n"]) == value]
            new = one_by_one(same, lambda at, before: len(window([*before, at], at, 30 * H)) == 1)
            found.setdefault("new", []).extend((k, alert.ids) for alert in new)
            loud = [alert for alert in new if alert.moment.event.time >= first + 40 * H]
            found.setdefault("learnt", []).extend((k, alert.ids) for alert in loud)
        by_value = [Counted(event, values=(str(event.data["n"]),)) for event in of_a]
        found.setdefault("changed", []).extend((k, alert.ids) for alert in changes(by_value))
    return {name: sorted(alerts) for name, alerts in found.items() if alerts}


def usual(counted: list[Counted], start: datetime) -> list[Alert]:
    """As `with_baseline`, of the events that are past the quiet time."""
    return with_baseline(counted, 12 * H, 2, 96 * H, "1.5", loud_from=start + 96 * H)


def chained(alert: Alert, name: str) -> Counted:
    of = alert.moment.event
    return Counted(
        replace(of, id=f"{name}/{of.id}"), members=frozenset({name}), evidence=frozenset(alert.ids)
    )  # fmt: skip


def listed(value: Any) -> list[Any]:
    """A list as it is, anything else as a list of one."""
    return list(value) if isinstance(value, list) else [value]


def signals(name: str, events: Iterable[Event], members: str) -> list[Counted]:
    """The counted events of one key, with the values that the rule looks at."""
    found = []
    for event in events:
        matched = frozenset(listed(event.data["m"])) & set(members)
        values: tuple[Any, ...] = (event.data["n"],)
        if name == "kinds":
            values = (str(event.data["n"]),)
        elif name == "pairs":
            values = tuple((str(event.data["n"]), m) for m in listed(event.data["m"]))
        elif name in ("sum", "mean", "tail", "middle") and not isinstance(event.data["n"], float):
            continue
        if matched:
            found.append(Counted(event, members=matched, values=values))
    return found


class Said:
    """What has been said, as the alerts that stand. Says no to what cannot be: an update of nothing, a second raise."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, str, str], tuple[str, ...]] = {}

    def take(self, detections: Iterable[Detection]) -> None:
        for one in detections:
            if one.rule in "abc":  # `generate` lets the members of a correlation speak, too
                continue
            alert = (one.rule, str(sorted(one.key.items())), one.slot)
            if one.what == Change.RETRACTED:
                del self.open[alert]
                continue
            assert (alert in self.open) == (one.what == Change.UPDATED), (one.what, alert)
            assert one.joined or one.what == Change.RAISED or one.reason != "more_events"
            self.open[alert] = tuple(sorted(event.id for event in one.events))

    def alerts(self) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
        found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for (name, key, _), ids in self.open.items():
            found.setdefault(name, []).append(("x" if "('k', 'x')" in key else "y", ids))
        return {name: sorted(alerts) for name, alerts in found.items()}


RULESETS = [build(Content({"rules/r.yml": rules(words)})) for words in (0, 1)]
WAITING = [build(Content({"rules/r.yml": rules(words, "90h")})) for words in (0, 1)]
VALUES = st.sampled_from([0.1, 0.2, 0.3, "one"])
MEMBERS = st.sampled_from(["a", "a", "b", "c", ["a", "b"], ["a", "c"]])


class Stream(RuleBasedStateMachine):
    """Events in any order, repeats, corrections, withdrawals, ticks, restarts and activations of other words."""

    rulesets = RULESETS

    def __init__(self) -> None:
        super().__init__()
        self.engine = Engine(self.rulesets[0])
        self.known: dict[str, Event] = {}
        self.said = Said()
        self.number = 0

    def apply(self, event: Event) -> None:
        self.said.take(self.engine.apply(event).detections)

    @rule(hour=st.integers(0, 200), lasts=st.sampled_from([0, 0, 0, 24]), k=st.sampled_from("xxy"), n=VALUES, m=MEMBERS)
    def observe(self, hour: int, lasts: int, k: str, n: Any, m: Any) -> None:
        self.number += 1
        # Ids in another order than arrival, so that ties show.
        uid = f"e{self.number * 7 % 101:03}"
        if uid in self.known:
            return
        time = T0 + hour * H
        until = time + lasts * H if lasts else None
        event = Event(
            id=uid, source="t", type="office.changed", time=time, until=until, recorded=T0 + (hour * 7 % 400) * H,
            country="PER", data={"k": k, "n": n, "m": m},
        )  # fmt: skip
        self.known[uid] = event
        self.apply(event)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        before = dict(self.said.open)
        self.apply(self.known[data.draw(st.sampled_from(sorted(self.known)))])
        assert self.said.open == before

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        uid = data.draw(st.sampled_from(sorted(self.known)))
        del self.known[uid]
        self.apply(self.about("event.withdrawn", uid))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), by=st.sampled_from([-30, -5, 0, 5, 30]), k=st.sampled_from("xy"), n=VALUES, m=MEMBERS)
    def correct(self, data: st.DataObject, by: int, k: str, n: Any, m: Any) -> None:
        uid = data.draw(st.sampled_from(sorted(self.known)))
        of = self.known[uid]
        until = of.until + by * H if of.until else None
        now = replace(of, time=of.time + by * H, until=until, data={"k": k, "n": n, "m": m})
        self.known[uid] = now
        content = {"type": of.type, "time": now.time.isoformat(), "data": now.data}
        if until:
            content["until"] = until.isoformat()
        self.apply(self.about("event.corrected", uid, event=content))

    @rule(hour=st.integers(0, 500))
    def tick(self, hour: int) -> None:
        at = T0 + hour * H
        self.apply(Event(id=f"t{hour}", source="t", type="tick", time=at, recorded=at, country="ZZZ"))

    @rule(words=st.integers(0, 1))
    def restart(self, words: int) -> None:
        self.engine = Engine(self.rulesets[words], load(dump(self.engine.state)))

    def about(self, type_: str, of: str, **data: Any) -> Event:
        self.number += 1
        at = T0 + 300 * H
        uid = f"{type_}/{self.number}"
        return Event(id=uid, source="t", type=type_, time=at, recorded=at, country="PER", data={"of": of, **data})

    def standing(self) -> Said:
        return self.said

    @invariant()
    def what_stands_is_what_is_defined(self) -> None:
        found, wanted = self.standing().alerts(), expected(self.known.values())
        for name in {*found, *wanted}:
            assert found.get(name, []) == wanted.get(name, []), name


class Patient(Stream):
    """The same with a grace, when everything that waits has been taken."""

    rulesets = WAITING

    def standing(self) -> Said:
        drained = Engine(WAITING[0], load(dump(self.engine.state)))
        said = Said()
        said.open = dict(self.said.open)
        said.take(drained.tick(T0 + 10_000 * H))
        return said


@pytest.mark.parametrize("stream", [Stream, Patient])
def test_what_is_found_is_what_is_defined(stream: type[Stream]) -> None:
    run_state_machine_as_test(stream, settings=settings(max_examples=30, stateful_step_count=30, deadline=None))
