"""The rules service over a store: whatever happens, restarts and replays give the same bytes and nothing is lost."""

import functools
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from almenara.adapters.memory import MemoryStore
from almenara.app.commands import append_command
from almenara.app.embedded import Embedded
from almenara.app.replay import replay_alerts
from almenara.domain.event import ACKNOWLEDGE, JUDGE, RETRACT, Event
from almenara.ports.log import ALERTS, EVENTS, REJECTED, read_range
from almenara.rules.service import RulesProcessor
from made_up_life import (
    T0,
    H,
    activate,
    changes,
    checked,
    corrected,
    entry,
    event,
    life,
    log,
    meeting,
    reading,
    said,
    tick,
    withdrawn,
)

RULESETS = functools.cache(checked)


def run(*events: Event) -> MemoryStore:
    """A store of one partition in which the events were folded; its record must replay."""
    store = MemoryStore(1)
    activate(store, RULESETS())
    log(store, *events)
    Embedded(store, [RulesProcessor(store)]).pump()
    proven(store)
    return store


def proven(store: MemoryStore) -> None:
    (replayed,) = replay_alerts(store)
    assert replayed.difference is None
    assert replayed.compared == store.end(ALERTS, 0)


def test_every_source_that_joins_at_one_tick_is_told() -> None:
    store = run(*(meeting(uid, 0) for uid in ("m1", "m2", "m3")), tick(500))
    assert said(store) == [
        ("missing", "raised", "detected", ["m1"]),
        ("missing", "updated", "another_source", ["m1", "m2"]),
        ("missing", "updated", "another_source", ["m1", "m2", "m3"]),
    ]


def test_one_reading_may_change_an_alert_once_for_each_of_its_sources() -> None:
    store = run(meeting("m1", 0), meeting("m2", 2), tick(30), reading("r", 40, 41))
    latest = changes(store)[-1]
    assert latest.alert.checked
    assert [e.id for e in latest.alert.events] == ["m1", "m2"]


def test_a_reading_of_another_country_of_the_partition_tells_the_very_alert() -> None:
    """Several countries share a partition; an alert belongs to the country of what was detected."""
    store = run(meeting("m", 0), tick(30), reading("r", 40, 41, country="COL"))
    assert [(str(c.change), c.alert.country, c.alert.checked) for c in changes(store)] == [
        ("raised", "PER", False),
        ("updated", "PER", True),
    ]
    assert len({c.alert.uid for c in changes(store)}) == 1


def test_copies_of_one_observation_are_counted_in_each_country_alone() -> None:
    copies = [event("office.changed", f"s{n}@{c}", n, country=c, k="x") for n in range(2) for c in ("PER", "COL")]
    assert said(run(*copies)) == []
    third = event("office.changed", "s2@COL", 2, country="COL", k="x")
    assert said(run(*copies, third)) == [("many", "raised", "detected", ["s0@COL", "s1@COL", "s2@COL"])]


def test_a_register_of_another_country_is_no_entry_for_this_one() -> None:
    store = run(meeting("m", 0), entry("e", 1, country="COL"), tick(30))
    assert [(what, reason) for _, what, reason, _ in said(store)] == [("raised", "detected")]


def test_a_withdrawn_event_tells_its_alert() -> None:
    store = run(event("statement.made", "s", 0, k="x"), withdrawn("s", 1))
    assert [(what, reason) for _, what, reason, _ in said(store)] == [
        ("raised", "detected"),
        ("retracted", "source_withdrawn"),
    ]


def test_a_corrected_event_is_told_as_an_update_of_the_same_alert() -> None:
    statement = event("statement.made", "s", 0, k="x")
    store = run(statement, corrected(statement, 5, k="y"))
    assert [(what, reason) for _, what, reason, _ in said(store)] == [
        ("raised", "detected"),
        ("updated", "source_corrected"),
    ]
    assert len({c.alert.uid for c in changes(store)}) == 1


def test_a_command_about_an_unknown_alert_is_rejected_and_the_partition_goes_on() -> None:
    lost = event(ACKNOWLEDGE, "c", 0, alert="nobody")
    store = run(lost, event("statement.made", "s", 1, k="x"))
    assert store.end(REJECTED, 0) == 1
    assert len(changes(store)) == 1


def streams() -> st.SearchStrategy[tuple[int, list[int], int, list[int]]]:
    return st.tuples(
        st.integers(0, 2**32),
        st.lists(st.integers(1, 60), max_size=5),
        st.sampled_from([1, 3, 1_000_000]),
        st.lists(st.integers(1, 60), max_size=2),
    )


def lived(seed: int, cuts: list[int], every: int, turns: list[int], *, restart: bool) -> MemoryStore:
    """One life: commands after each cut, new rules at each turn; with `restart` all workers are new after a cut."""
    chance = random.Random(seed)
    events = life(chance, 60)
    keys, on_late = chance.choice(["[k]", "[k, who]"]), chance.choice(["resolve", "retract", "ignore"])
    lateness = chance.choice([None, 36_000])
    activate_with = functools.partial(RULESETS, keys=keys, lateness_s=lateness)
    store = MemoryStore(1)
    activate(store, activate_with(on_late=on_late))
    embedded = Embedded(store, [RulesProcessor(store)], batch=7)
    for place, one in enumerate(events):
        log(store, one)
        if place in turns:
            activate(store, activate_with(on_late=on_late, level="high", coverage="[]"), place)
        if place in cuts:
            if restart:
                embedded = Embedded(store, [RulesProcessor(store)], batch=7, snapshot_every=every)
            embedded.pump()
            known = sorted({c.alert.uid: c.alert for c in changes(store)}.items())
            if known:
                _, alert = known[chance.randrange(len(known))]
                type_ = chance.choice([ACKNOWLEDGE, JUDGE, RETRACT])
                append_command(store, type_, alert, {"by": "t", "judgement": "true"}, T0 + place * H)
    (Embedded(store, [RulesProcessor(store)]) if restart else embedded).pump()
    return store


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(streams())
def test_restarts_snapshots_and_replays_give_the_same_bytes(drawn: tuple[int, list[int], int, list[int]]) -> None:
    plain = lived(*drawn, restart=False)
    again = lived(*drawn, restart=True)
    for stream in (EVENTS, ALERTS):
        one, other = ([(r.id, r.body) for r in read_range(s, stream, 0)] for s in (plain, again))
        assert one == other
    proven(plain)
