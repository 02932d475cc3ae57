"""A newer engine goes on with a log that an older one has begun: outcomes are facts, nothing is lost or said twice."""

import functools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from almenara.adapters.memory import MemoryStore
from almenara.app.activation import check
from almenara.app.commands import append_command
from almenara.app.embedded import Embedded
from almenara.app.explain import active_engine
from almenara.app.replay import replay_alerts
from almenara.domain.errors import Refused
from almenara.domain.event import ACKNOWLEDGE, Event
from almenara.engine.engine import SEMANTICS
from almenara.engine.ruleset import Content
from almenara.ports.log import ALERTS, EVENTS, read_range
from almenara.rules.service import RulesProcessor
from made_up_life import RULES, T0, H, activate, changes, checked, entry, event, life, log, meeting, said, tick
from older_release import OLDER, OlderProcessor, older_release

RULESETS = functools.cache(checked)


def begun(*events: Event, backlog: tuple[Event, ...] = ()) -> MemoryStore:
    """A log that the older release began; it was stopped before it took the backlog."""
    store = MemoryStore(1)
    with older_release():
        activate(store, RULESETS())
        log(store, *events)
        Embedded(store, [OlderProcessor(store)]).pump()
        log(store, *backlog)
    return store


def pump(store: MemoryStore, **more: int) -> None:
    Embedded(store, [RulesProcessor(store, recorded=store)], **more).pump()


def test_without_an_activation_of_its_own_a_release_does_not_go_on() -> None:
    store = begun(meeting("m", 0), tick(30))
    with pytest.raises(Refused, match=f"semantics {OLDER}"):
        pump(store)
    with pytest.raises(Refused, match="use a release with semantics"):
        replay_alerts(store)


def test_an_open_alert_of_before_goes_on_under_its_name() -> None:
    store = begun(meeting("m", 0), tick(30))
    activate(store, RULESETS(), 31)
    pump(store)
    assert [what for _, what, _, _ in said(store)] == ["raised"]
    log(store, tick(40), entry("late", 1, known=41))
    pump(store)
    assert [(what, reason) for _, what, reason, _ in said(store)] == [
        ("raised", "detected"),
        ("resolved", "found_when_read"),
    ]
    assert len({change.alert.uid for change in changes(store)}) == 1


def test_what_waits_is_raised_and_what_was_counted_counts() -> None:
    shocks = [event("office.changed", f"s{n}", n, k="x") for n in range(3)]
    store = begun(meeting("m", 0), *shocks[:2], tick(2))
    activate(store, RULESETS(), 2)
    log(store, shocks[2], tick(30))
    pump(store)
    assert [(rule, what) for rule, what, _, _ in said(store)] == [("many", "raised"), ("missing", "raised")]
    assert {change.alert.engine for change in changes(store)} == {SEMANTICS}


def test_what_the_older_release_had_not_taken_is_decided_by_the_newer_one() -> None:
    store = begun(meeting("m", 0), backlog=(tick(30), event("statement.made", "s", 30, k="x")))
    activate(store, RULESETS(), 31)
    pump(store)
    assert [(rule, what) for rule, what, _, _ in said(store)] == [("missing", "raised"), ("strong", "raised")]
    assert [change.cause for change in changes(store)] == ["events/0/3", "events/0/4"]


def test_what_the_older_release_did_not_say_is_not_said_afterwards() -> None:
    store = begun(event("statement.made", "s", 0, k="x"), tick(1))
    activate(store, RULESETS(), 1)
    log(store, tick(2))
    pump(store)
    assert changes(store) == []


def test_what_the_older_release_left_open_for_ever_is_closed() -> None:
    text = RULES % {"on_late": "resolve", "coverage": "[reg]", "keys": "[k, who]", "level": "low"}
    before, after = "condition: a and not b\nalmenara:\n  absence: ", "condition: a and b\nalmenara:\n  # "
    assert before in text
    counted = check(Content({"rules/r.yml": text.replace(before, after)}))
    store = begun(meeting("m", 0), tick(30))
    with older_release():
        activate(store, counted, 31)
        Embedded(store, [OlderProcessor(store)]).pump()
    assert [what for _, what, _, _ in said(store)] == ["raised"]
    activate(store, counted, 32)
    pump(store)
    assert [(what, reason) for _, what, reason, _ in said(store)] == [
        ("raised", "detected"),
        ("resolved", "rule_changed"),
    ]
    (replayed,) = replay_alerts(store)
    assert replayed.difference is None


def test_people_acknowledge_what_was_raised_before() -> None:
    store = begun(meeting("m", 0), tick(30))
    activate(store, RULESETS(), 31)
    append_command(store, ACKNOWLEDGE, changes(store)[0].alert, {"by": "ana"}, T0 + 32 * H)
    pump(store)
    assert [what for _, what, _, _ in said(store)] == ["raised", "acknowledged"]


def test_a_replay_names_what_another_release_has_to_replay_and_calls_nothing_tampered() -> None:
    store = begun(meeting("m", 0), tick(30), event("statement.made", "s", 30, k="x"))
    activate(store, RULESETS(), 31)
    log(store, event("statement.made", "t", 32, k="x"))
    pump(store)
    (found,) = replay_alerts(store)
    assert found.difference is None
    assert found.compared == 1
    assert f"events/0/1 to events/0/4 were decided by engine semantics {OLDER}" in found.older
    with older_release():
        (before,) = replay_alerts(store, upto=3)
        assert (before.difference, before.older) == (None, "")


def test_an_event_of_before_is_explained() -> None:
    store = begun(meeting("m", 0), tick(1))
    activate(store, RULESETS(), 1)
    pump(store)
    assert [held.id for _, held, _ in active_engine(store, 0).waiting()] == ["m"]


def test_a_log_that_a_newer_release_has_gone_on_with_is_left_alone() -> None:
    store = begun(meeting("m", 0))
    activate(store, RULESETS(), 1)
    with older_release(), pytest.raises(Refused, match=f"semantics {SEMANTICS} goes on"):
        activate(store, RULESETS(), 2)


def test_a_worker_of_the_older_release_is_fenced_off() -> None:
    store = begun(meeting("m", 0))
    before = store.positions()
    activate(store, RULESETS(), 1)
    assert [lease.epoch for lease in store.positions()] == [lease.epoch + 1 for lease in before]


def lived(seed: int, upgrade: int, backlog: int, cuts: set[int], *, restart: bool) -> MemoryStore:
    """One life: the older release up to `upgrade`, but for its last records (`backlog`), then the newer one."""
    chance = random.Random(seed)
    events = life(chance, 60)
    with older_release():
        store = MemoryStore(1)
        activate(store, RULESETS(on_late=chance.choice(["resolve", "retract"])))
        log(store, *events[: upgrade - backlog])
        if chance.random() < 0.5:
            activate(store, RULESETS(level="high"), 1)
        if chance.random() < 0.9:
            Embedded(store, [OlderProcessor(store)], batch=1 + chance.randrange(9)).pump()
        log(store, *events[max(upgrade - backlog, 0) : upgrade])
        if chance.random() < 0.3:
            activate(store, RULESETS(on_late="ignore"), 2)
    activate(store, RULESETS(on_late="resolve"), 3)
    embedded = Embedded(store, [RulesProcessor(store, recorded=store)], batch=7)
    for place, one in enumerate(events[upgrade:]):
        log(store, one)
        if place in cuts:
            if restart:
                recorded = RulesProcessor(store, recorded=store)
                embedded = Embedded(store, [recorded], batch=1 + place % 5, snapshot_every=3)
            embedded.pump()
    (Embedded(store, [RulesProcessor(store, recorded=store)]) if restart else embedded).pump()
    return store


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    upgrade=st.integers(0, 60),
    backlog=st.sampled_from([0, 0, 1, 10]),
    cuts=st.sets(st.integers(0, 59), max_size=5),
)
def test_batches_restarts_and_replays_give_the_same_bytes(
    seed: int, upgrade: int, backlog: int, cuts: set[int]
) -> None:
    one, other = (lived(seed, upgrade, min(backlog, upgrade), cuts, restart=again) for again in (False, True))
    for stream in (EVENTS, ALERTS):
        first, second = ([(r.id, r.body) for r in read_range(s, stream, 0)] for s in (one, other))
        assert first == second
    (replayed,) = replay_alerts(one)
    assert replayed.difference is None
