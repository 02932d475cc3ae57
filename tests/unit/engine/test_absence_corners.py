"""The corners of an absence, one by one: what docs/rules.md says of each."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from absence_definition import T0, H, Said, Terms, said
from almenara.domain.event import Event
from almenara.engine.engine import Engine, dump, load
from almenara.engine.ruleset import Content, build

TERMS = Terms()  # 6 h back, 12 h on, 8 h to be published, 3 h of grace: a moment is raised 23 h after it
REGISTERED, HELD = "meeting.registered", "meeting.held"


def event(type_: str, uid: str, at: float, *, known: float | None = None, lasts: float = 0, **data: Any) -> Event:
    """`at`, `known` and `lasts` in hours."""
    time = T0 + at * H
    return Event(
        id=uid,
        source="t",
        type=type_,
        time=time,
        until=time + lasts * H if lasts else None,
        recorded=T0 + (at if known is None else known) * H,
        country="XAL",
        data={"k": "x", **data},
    )


def tick(hour: float) -> Event:
    at = T0 + hour * H
    return Event(id=f"tick/{hour}", source="t", type="tick", time=at, recorded=at, country="ZZZ")


def withdrawn(of: str, known: float) -> Event:
    return event("event.withdrawn", f"w/{of}/{known}", known, of=of)


def corrected(of: Event, known: float, *, later: float = 0, **data: Any) -> Event:
    content = {"type": of.type, "time": (of.time + later * H).isoformat(), "data": {**of.data, **data}}
    return event("event.corrected", f"c/{of.id}/{known}", known, of=of.id, event=content)


def run(engine: Engine, *events: Event) -> list[Said]:
    return said(d for one in events for d in engine.apply(one).detections)


def brief(found: list[Said]) -> list[tuple[str, str, float]]:
    """(what, id of A, hour of the clock)."""
    return [(one.what, one.a, (one.at - T0) / H) for one in found]


def engine(**terms: Any) -> Engine:
    return Engine(Terms(**terms).ruleset())


@pytest.mark.parametrize(
    ("a", "b", "counts"),
    [
        ((0, 24), (36, 24), True),  # B's day begins where the window of A's day ends
        ((0, 24), (37, 24), False),
        ((0, 24), (-30, 24), False),  # B's day is half-open: it ends where the window begins
        ((0, 24), (-29, 24), True),
        ((0, 24), (36, 0), True),
        ((0, 24), (-6, 0), True),
        ((0, 0), (12, 24), True),
        ((0, 0), (-30, 24), False),
        ((0, 0), (-30, 200), True),  # over all of it
    ],
)
def test_days_count_where_they_overlap(a: tuple[int, int], b: tuple[int, int], counts: bool) -> None:
    anchor, entry = event(HELD, "a", a[0], lasts=a[1]), event(REGISTERED, "b", b[0], lasts=b[1])
    for first, second in ((anchor, entry), (entry, anchor)):
        assert bool(run(engine(), tick(-50), first, second, tick(500))) is not counts


def test_one_b_satisfies_every_a_that_it_meets_and_no_other() -> None:
    several = [event(HELD, f"a{hour}", hour) for hour in (0, 3, 9, 20, 40)]
    found = run(engine(), *several, event(REGISTERED, "b", 10), tick(500))
    assert brief(found) == [("raised", "a20", 500.0), ("raised", "a40", 500.0)]


def test_each_a_is_raised_once() -> None:
    found = engine()
    two = [event(HELD, "a1", 0), event(HELD, "a2", 0)]
    assert brief(run(found, *two, *two, tick(23), tick(24), *two, tick(50))) == [
        ("raised", "a1", 23.0),
        ("raised", "a2", 23.0),
    ]


@pytest.mark.parametrize("key", [None, []])
def test_without_a_key_nothing_is_correlated(key: Any) -> None:
    assert run(engine(), event(HELD, "a", 0, k=key), tick(500)) == []
    assert len(run(engine(), event(HELD, "a", 0), event(REGISTERED, "b", 0, k=key), tick(500))) == 1


def test_a_list_is_several_keys_and_each_waits_for_a_b_of_its_own() -> None:
    found = engine()
    both = event(HELD, "a", 0, k=["x", "y", "x"])
    assert [(one.key, one.what) for one in run(found, both, event(REGISTERED, "b", 1, k="x"), tick(23))] == [
        ("y", "raised")
    ]
    assert [(one.key, one.what) for one in run(found, event(REGISTERED, "c", 1, known=24, k=["z", "y"]))] == [
        ("y", "resolved")
    ]
    assert [(one.key, one.what) for one in run(found, withdrawn("b", 25))] == [("x", "raised")]
    assert [(one.key, one.what) for one in run(found, withdrawn("a", 26))] == [("x", "retracted")]


def test_a_clock_that_stands_still_raises_nothing() -> None:
    found = engine()
    assert run(found, tick(0), *(event(HELD, f"a{hour}", hour) for hour in range(0, 2_000, 100))) == []
    assert len(found.waiting()) == 20
    assert [at for _, _, at in found.waiting()] == sorted(T0 + (hour + 23) * H for hour in range(0, 2_000, 100))


def test_what_became_known_long_after_waits_for_its_grace_alone() -> None:
    found = engine()
    assert run(found, tick(1_000), event(HELD, "a", 0, known=1_000), tick(1_002.9)) == []
    assert brief(run(found, tick(1_003))) == [("raised", "a", 1_003.0)]


def test_what_is_still_to_come_waits_for_its_own_time() -> None:
    found = engine()
    assert run(found, tick(0), event(HELD, "a", 1_000, known=0), tick(1_022)) == []
    assert brief(run(found, tick(1_023))) == [("raised", "a", 1_023.0)]


def test_what_reaches_us_after_its_deadline_is_raised_when_it_comes() -> None:
    """Recorded in time, appended late: the stream's clock is past the deadline."""
    assert brief(run(engine(), tick(100), event(HELD, "a", 0, known=1))) == [("raised", "a", 100.0)]


def test_the_order_of_records_decides_at_the_deadline() -> None:
    a, b = event(HELD, "a", 0), event(REGISTERED, "b", 1, known=23)
    assert run(engine(), tick(0), a, b, tick(23)) == []
    assert [one.what for one in run(engine(), tick(0), a, tick(23), b)] == ["raised", "resolved"]


def test_a_heartbeat_that_stops_is_found_and_each_beat_waits_for_another_one() -> None:
    one_rule = Terms(a=HELD, look_back=0, lag=0, grace=0).text().replace("[a, b]", "[a]").replace("not b", "not a")
    beats = [event(HELD, f"a{hour:02}", hour) for hour in (0, 12, 20)]
    for found in (
        engine(a=HELD, b=HELD, look_back=0, lag=0, grace=0),
        Engine(build(Content({"rules/r.yml": one_rule}))),
    ):
        assert brief(run(found, *beats, tick(500))) == [("raised", "a20", 500.0)]
        assert sorted(brief(run(found, event(HELD, "a30", 30, known=500)))) == [
            ("raised", "a30", 500.0),
            ("resolved", "a20", 500.0),
        ]
        assert brief(run(found, withdrawn("a12", 501))) == [("raised", "a00", 500.0)]


def test_a_correction_keeps_the_wait_however_often_it_is_made() -> None:
    found = engine()
    a = event(HELD, "a", 0, known=50)
    assert run(found, tick(50), a, tick(51), corrected(a, 51, n=1), tick(52), corrected(a, 52, n=2)) == []
    assert brief(run(found, tick(53))) == [("raised", "a", 53.0)]


def test_an_a_that_had_its_b_is_settled_anew_when_either_is_corrected() -> None:
    found = engine()
    a, b = event(HELD, "a", 0), event(REGISTERED, "b", 1)
    assert run(found, a, b, tick(30)) == []
    assert brief(run(found, corrected(a, 31, later=20))) == []  # its new deadline is hour 43
    assert brief(run(found, tick(43))) == [("raised", "a", 43.0)]
    assert brief(run(found, corrected(b, 44, later=20))) == [("resolved", "a", 43.0)]


def test_the_nearest_entries_are_shown_and_never_the_a_itself() -> None:
    entries = [event(REGISTERED, f"b{at}", at) for at in (-40, -20, -8, 14, 90)]
    assert run(engine(), *entries, event(HELD, "a", 0), tick(23))[0].nearest == ("b-20", "b-8", "b14")
    beat = engine(a=HELD, b=HELD, look_back=0, lag=0, grace=0)
    assert run(beat, event(HELD, "a", 0), tick(23))[0].nearest == ()


def test_times_at_the_end_of_the_calendar_and_large_numbers_are_no_trouble() -> None:
    found = engine()
    far = (datetime(9999, 12, 31, 23, tzinfo=UTC) - T0) / H
    a = event(HELD, "a", far, n=2**70)
    assert run(found, a) == []
    assert [event.data["n"] for _, event, _ in Engine(found.ruleset, load(dump(found.state))).waiting()] == [2**70]
    assert run(found, tick(1_000)) == []


things = st.lists(
    st.tuples(
        st.sampled_from([HELD, REGISTERED]),
        st.integers(-30, 60),
        st.integers(0, 40),
        st.sampled_from([0, 0, 24]),
        st.sampled_from(["x", "y"]),
    ),
    max_size=10,
)


@settings(max_examples=150, deadline=None)
@given(chosen=things, coarse=st.sampled_from([25, 60, 200, 3_000]), remember=st.sampled_from([48, 9_600]))
def test_a_clock_that_jumps_says_the_same_a_little_later(chosen: list[Any], coarse: int, remember: int) -> None:
    """Everything is known by hour 30; from there the clock goes by the hour, or in leaps. Only `at` differs."""
    events = [
        event(type_, f"e{n}", at, known=min(30, at + delay), lasts=lasts, k=key)
        for n, (type_, at, delay, lasts, key) in enumerate(chosen)
    ]
    fine, leaping = engine(remember=remember), engine(remember=remember)
    start = [tick(30), *sorted(events, key=lambda e: (e.recorded, e.id))]
    one = run(fine, *start, *(tick(hour) for hour in range(31, 3_031)))
    other = run(leaping, *start, *(tick(hour) for hour in range(30 + coarse, 3_031 + coarse, coarse)))
    assert [found._replace(at=T0) for found in one] == [found._replace(at=T0) for found in other]
    assert all(late.at >= soon.at for soon, late in zip(one, other, strict=True))
