"""A rule that keeps its name and becomes another one: its open alerts are closed, for nobody would speak of them."""

import functools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from almenara.adapters.memory import MemoryStore
from almenara.app.activation import Checked, check
from almenara.app.embedded import Embedded
from almenara.app.replay import replay_alerts
from almenara.engine.rule import AbsenceRule, Correlation
from almenara.engine.ruleset import Content
from almenara.ports.log import ALERTS, EVENTS, read_range
from almenara.rules.decide import is_open
from almenara.rules.service import RulesProcessor
from made_up_life import activate, changes, entry, life, log, meeting, said, tick

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
"""
ABSENCE = """
title: The rule
name: the_rule
correlation: {type: temporal, rules: [a, b], group-by: [k], timespan: 12h, condition: a and not b}
almenara: {absence: {anchor: a}}
"""
COUNT = """
title: The rule
name: the_rule
correlation: {type: event_count, rules: [a], group-by: [k], timespan: 48h, condition: {gte: 1}}
"""
SINGLE = """
title: The rule
name: the_rule
logsource: {product: almenara, category: meeting.held}
detection: {any: {'k|exists': true}, condition: any}
"""
FIRST = SINGLE + "almenara: {first_seen: {fields: [k], within: 30d}}\n"
FEEDING = """
title: Counts it
name: counts_it
correlation: {type: event_count, rules: [the_rule], timespan: 48h, condition: {gte: 9}}
"""
RULES = {
    "absence": MEMBERS + ABSENCE,
    "absence by who": MEMBERS + ABSENCE.replace("[k]", "[k, who]"),
    "absence of a": MEMBERS + ABSENCE.replace("a and not b", "b and not a").replace("anchor: a", "anchor: b"),
    "longer absence": MEMBERS + ABSENCE.replace("12h", "13h").replace("The rule", "What the rule says"),
    "count": MEMBERS + COUNT,
    "count by who": MEMBERS + COUNT.replace("[k]", "[k, who]"),
    "count of all": MEMBERS + COUNT.replace("group-by: [k], ", ""),
    "count of two": MEMBERS + COUNT.replace("[a]", "[a, b]"),
    "single": MEMBERS + SINGLE,
    "other single": MEMBERS + SINGLE.replace("'k|exists': true", "k: [x, y]"),
    "single that feeds": f"{MEMBERS}{SINGLE}---{FEEDING}",
    "first seen": MEMBERS + FIRST,
}


@functools.cache
def rules(name: str) -> Checked:
    return check(Content({"rules/r.yml": RULES[name]}, 36_000))


def turned(before: str, after: str) -> MemoryStore:
    """One alert of the rule as it was, the rule as it is, and what comes then; the record must replay."""
    store = MemoryStore(1)
    activate(store, rules(before))
    log(store, tick(-1), meeting("m", 0), entry("e", 0, k="other"), tick(20))
    activate(store, rules(after), 20)
    Embedded(store, [RulesProcessor(store)]).pump()
    (replayed,) = replay_alerts(store)
    assert replayed.difference is None
    return store


def of_m(store: MemoryStore) -> list[tuple[str, str]]:
    """What became of the alert of the meeting."""
    return [(what, reason) for rule, what, reason, ids in said(store) if rule == "the_rule" and "m" in ids]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("single", "count"),
        ("single", "first seen"),
        ("count", "single"),
        ("count", "absence"),
        ("absence", "count"),
        ("absence", "absence by who"),
        ("absence", "absence of a"),
        ("count", "count by who"),
        ("count by who", "count"),
        ("count", "count of all"),
        ("single", "single that feeds"),
    ],
)
def test_an_alert_that_nobody_could_go_on_with_is_closed_where_its_rule_changes(before: str, after: str) -> None:
    assert of_m(turned(before, after)) == [("raised", "detected"), ("resolved", "rule_changed")]


@pytest.mark.parametrize(
    ("before", "after"),
    [("absence", "longer absence"), ("count", "count of two"), ("single", "other single"), ("single", "single")],
)
def test_an_alert_that_the_changed_rule_goes_on_with_stays_open(before: str, after: str) -> None:
    assert of_m(turned(before, after)) == [("raised", "detected")]


def test_what_goes_on_is_told_of_again() -> None:
    store = turned("absence", "longer absence")
    log(store, entry("late", 1, known=21))
    Embedded(store, [RulesProcessor(store)]).pump()
    assert said(store)[-1][:3] == ("the_rule", "resolved", "registered_late")


def test_a_closed_alert_is_not_closed_again() -> None:
    store = turned("count", "single")
    activate(store, rules("absence"), 21)
    log(store, tick(22))
    activate(store, rules("count"), 22)
    Embedded(store, [RulesProcessor(store)]).pump()
    assert [reason for _, reason in of_m(store)].count("rule_changed") == 1
    (closed,) = [c for c in changes(store) if c.alert.rule == "the_rule" and c.reason == "rule_changed"]
    assert (closed.alert.state, closed.cause) == ("resolved", "events/0/6")


def lived(seed: int, cuts: set[int], *, restart: bool) -> tuple[MemoryStore, Checked]:
    """One life under rules that become others again and again, and the rules at its end."""
    chance = random.Random(seed)
    store, latest = MemoryStore(1), rules(chance.choice(sorted(RULES)))
    activate(store, latest)
    embedded = Embedded(store, [RulesProcessor(store)], batch=7)
    for place, one in enumerate(life(chance, 50)):
        log(store, one)
        if chance.random() < 0.15:
            latest = rules(chance.choice(sorted(RULES)))
            activate(store, latest, place)
        if place in cuts:
            if restart:
                embedded = Embedded(store, [RulesProcessor(store)], batch=batch_at(place), snapshot_every=3)
            embedded.pump()
    (Embedded(store, [RulesProcessor(store)]) if restart else embedded).pump()
    return store, latest


def batch_at(place: int) -> int:
    return 1 + place % 5


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), cuts=st.sets(st.integers(0, 49), max_size=6))
def test_batches_and_restarts_give_the_same_bytes_and_open_alerts_are_those_of_rules_in_force(
    seed: int, cuts: set[int]
) -> None:
    (one, latest), (other, _) = lived(seed, cuts, restart=False), lived(seed, cuts, restart=True)
    for stream in (EVENTS, ALERTS):
        first, second = ([(r.id, r.body) for r in read_range(s, stream, 0)] for s in (one, other))
        assert first == second
    (replayed,) = replay_alerts(one)
    assert replayed.difference is None
    for alert in {changed.alert.uid: changed.alert for changed in changes(one)}.values():
        if is_open(alert):
            rule = latest.ruleset.by_name[alert.rule]
            assert rule.alerts
            assert set(alert.key) == set(rule.group_by if isinstance(rule, Correlation) else ())
            assert (alert.search is not None) == isinstance(rule, AbsenceRule)
