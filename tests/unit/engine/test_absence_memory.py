"""What an absence forgets, when, and that nothing but the stream's clock decides it."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from absence_definition import T0, H, Said, Terms, said
from almenara.domain.event import Event
from almenara.engine.detectors.absence import AbsenceDetector
from almenara.engine.detectors.detector import Signal
from almenara.engine.engine import Engine, dump, load
from almenara.engine.view import View

TERMS = Terms(remember=48)  # 23 h after a moment the deadline, 71 h after it the end; 77 h after the end of a B
REGISTERED, HELD = "meeting.registered", "meeting.held"


def event(type_: str, uid: str, at: float, *, known: float | None = None, lasts: float = 0, **data: Any) -> Event:
    time, recorded = T0 + at * H, T0 + (at if known is None else known) * H
    until = time + lasts * H if lasts else None
    more = {"k": "x", **data}
    return Event(
        id=uid, source="t", type=type_, time=time, until=until, recorded=recorded, country="XAL", data=more
    )  # fmt: skip


def tick(hour: float) -> Event:
    at = T0 + hour * H
    return Event(id=f"tick/{hour}", source="t", type="tick", time=at, recorded=at, country="ZZZ")


def about(type_: str, of: Event, known: float, **content: Any) -> Event:
    return event(type_, f"{type_}/{of.id}", known, of=of.id, **content)


def run(engine: Engine, *events: Event) -> list[Said]:
    return said(d for one in events for d in engine.apply(one).detections)


def detector(engine: Engine) -> AbsenceDetector:
    found = engine.detector("missing")
    assert isinstance(found, AbsenceDetector)
    return found


def is_late(engine: Engine, one: Event) -> bool:
    member = "a" if one.type == HELD else "b"
    return detector(engine).is_late(Signal(member, View(one, {}), (one,), tuple), engine.clock)


@pytest.mark.parametrize(("clock", "known"), [(70.99, True), (71, False)])
def test_an_a_is_remembered_until_so_long_after_its_deadline(clock: float, known: bool) -> None:
    a = event(HELD, "a", 0)
    corrected = {"type": HELD, "time": a.time.isoformat(), "data": {"k": "x", "place": "Lima"}}
    for then, what in (
        (event(REGISTERED, "b", 1, known=clock), "resolved"),
        (about("event.withdrawn", a, clock), "retracted"),
        (about("event.corrected", a, clock, event=corrected), "updated"),
    ):
        engine = Engine(TERMS.ruleset())
        assert [one.what for one in run(engine, a, tick(23), tick(clock))] == ["raised"]
        assert detector(engine).holds("a") is known
        assert [one.what for one in run(engine, then)] == ([what] if known else [])


@pytest.mark.parametrize(("at", "lasts", "end"), [(0, 0, 77), (0, 24, 101)])
def test_a_b_is_remembered_as_long_as_an_a_that_it_meets_may_come(at: int, lasts: int, end: int) -> None:
    engine = Engine(TERMS.ruleset())
    run(engine, event(REGISTERED, "b", at, lasts=lasts), tick(end - 0.01))
    assert detector(engine).holds("b")
    run(engine, tick(end))
    assert not detector(engine).holds("b")


def test_what_comes_later_than_that_is_late_and_changes_nothing() -> None:
    engine = Engine(TERMS.ruleset())
    assert run(engine, tick(71)) == []
    for late in (event(HELD, "a", 0, known=71), event(REGISTERED, "b", -6, known=71)):
        assert is_late(engine, late)
        assert run(engine, late) == []
        assert not detector(engine).holds(late.id)
    in_time = event(HELD, "c", 0.01, known=67)
    assert not is_late(engine, in_time)
    assert [one.what for one in run(engine, in_time)] == ["raised"]  # its grace is over


def test_an_a_that_would_be_forgotten_before_its_deadline_is_late() -> None:
    engine = Engine(TERMS.ruleset())
    for late in (event(HELD, "long", 0, lasts=49), event(HELD, "known too late", 0, known=69)):
        assert is_late(engine, late)
        assert run(engine, late) == []
    for just in (event(HELD, "two days", 0, lasts=48), event(HELD, "just known", 0, known=68)):
        assert not is_late(engine, just)
        run(engine, just)
    assert sorted(one.a for one in run(engine, tick(500))) == ["just known", "two days"]


def test_a_leap_over_everything_raises_and_then_forgets() -> None:
    engine = Engine(TERMS.ruleset())
    found = run(engine, event(HELD, "a", 0), event(REGISTERED, "b", 13), event(HELD, "c", 2_000, known=0), tick(9_000))
    assert [(one.a, one.nearest) for one in found] == [("a", ("b",)), ("c", ())]
    assert not any(detector(engine).holds(uid) for uid in "abc")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_same_is_forgotten_whatever_the_restarts_and_the_order_of_arrival(seed: int) -> None:
    chance = random.Random(seed)
    hours = [range(24 * day, 24 * day + 6) for day in range(12)]
    days = [
        [event(chance.choice([HELD, REGISTERED]), f"e{h}", h, k=chance.choice("xyz")) for h in day] for day in hours
    ]
    one, other = Engine(TERMS.ruleset()), Engine(TERMS.ruleset())
    for day, events in enumerate(days):
        shuffled = chance.sample(events, len(events))
        assert run(one, *events, tick(24 * day + 8)) == run(other, *shuffled, tick(24 * day + 8))
        other = Engine(other.ruleset, load(dump(other.state)))
        kept = {uid for uid in (e.id for held in days for e in held) if detector(one).holds(uid)}
        assert kept == {uid for uid in (e.id for held in days for e in held) if detector(other).holds(uid)}
        assert all(T0 + (24 * day + 8 - 77) * H < e.time for held in days for e in held if e.id in kept)


def test_a_heartbeat_that_never_ends_is_remembered_in_bounded_space() -> None:
    terms = Terms(a=HELD, b=HELD, look_back=0, timespan=3, lag=0, grace=0, remember=48)
    engine = Engine(terms.ruleset())
    sizes = []
    for hour in range(600):
        sources = [source for source in "pqr" if (source, hour % 100) not in {("q", 50), ("q", 51), ("q", 52)}]
        found = run(engine, tick(hour), *(event(HELD, f"{source}{hour}", hour, k=source) for source in sources))
        assert [(one.what, one.key) for one in found] == ([("raised", "q")] if hour % 100 == 52 else [])
        sizes.append(len(dump(engine.state)))
    assert max(sizes[100:]) < 1.1 * min(sizes[100:])


def test_what_is_late_is_recorded_as_late_and_says_nothing() -> None:
    engine = Engine(TERMS.ruleset())
    run(engine, event(HELD, "a", 0), tick(23), tick(200))
    for late in (event(REGISTERED, "b", 1, known=200), event(HELD, "a2", 2, known=200)):
        findings = engine.apply(late)
        assert findings.detections == []
        assert [(one.rule, one.event.id) for one in findings.late] == [("missing", late.id)]
    assert engine.apply(event(HELD, "a3", 199, known=200)).late == []
