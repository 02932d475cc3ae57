"""The order of arrival: within the grace it changes no byte; without, it changes when things are said, not what."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.domain.alert import Change
from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.engine import Engine, dump, load
from almenara.engine.ruleset import Content, Ruleset, build

T0 = datetime(2030, 1, 1, tzinfo=UTC)
M = timedelta(minutes=1)
GRACE = 5 * M

TEXT = """
title: A
name: a
logsource: {product: almenara}
detection: {s: {m: a}, condition: s}
---
title: B
name: b
logsource: {product: almenara}
detection: {s: {m: b}, condition: s}
---
title: Three
name: three
correlation: {type: event_count, rules: [a], group-by: [k], timespan: 10m, condition: {gte: 3}, generate: true}
almenara: {grace: %(grace)s}
---
title: Few
name: few
correlation: {type: event_count, rules: [a, b], group-by: [k], timespan: 10m, condition: {lte: 2}, generate: true}
almenara: {grace: %(grace)s}
---
title: Then
name: then
correlation: {type: temporal_ordered, rules: [a, b], group-by: [k], timespan: 10m, generate: true}
almenara: {grace: %(grace)s}
---
title: Chain
name: chain
correlation: {type: temporal, rules: [three, then], group-by: [k], timespan: 1h, generate: true}
almenara: {grace: %(grace)s}
---
title: New
name: new
logsource: {product: almenara}
detection: {s: {m: a}, condition: s}
almenara: {grace: %(grace)s, first_seen: {fields: [n], keys: [k], within: 15m}}
---
title: Changed
name: changed
logsource: {product: almenara}
detection: {s: {m: [a, b]}, condition: s}
almenara: {grace: %(grace)s, change: {field: n, keys: [k]}}
"""
CORRELATIONS = ("three", "few", "then", "chain", "new", "changed")


def ruleset(grace: str, lateness_s: int | None = None) -> Ruleset:
    return build(Content({"rules/r.yml": TEXT % {"grace": grace}}, lateness_s))


GRACED, AT_ONCE = ruleset("5m"), ruleset("0s")


def event(uid: str, at: int, *, known: int, k: str = "x", m: str = "a", n: int = 1) -> Event:
    return Event(
        id=uid, source="t", type="office.changed", time=T0 + at * M, recorded=T0 + known * M, country="PER",
        data={"k": k, "m": m, "n": n},
    )  # fmt: skip


def tick(minute: int) -> Event:
    at = T0 + minute * M
    return Event(id=f"tick/{minute}", source="t", type="tick", time=at, recorded=at, country="ZZZ")


def said(engine: Engine, events: Iterable[Event]) -> list[Detection]:
    """What the correlations say; rules over one event answer at once, in the order of arrival."""
    found = [one for event in events for one in engine.apply(event).detections]
    return [one for one in found if one.rule in CORRELATIONS]


def as_bytes(detections: Sequence[Detection]) -> bytes:
    return msgspec.json.encode([
        [d.what, d.rule, d.key, d.slot, d.at, d.reason, list(d.events), list(d.joined), d.matched] for d in detections
    ])  # fmt: skip


def standing(detections: Iterable[Detection]) -> list[tuple[str, str, tuple[str, ...]]]:
    """The alerts that are open in the end: rule, key and events."""
    alerts: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for one in detections:
        alert = (one.rule, str(sorted(one.key.items())), one.slot)
        if one.what == Change.RETRACTED:
            del alerts[alert]
        else:
            alerts[alert] = tuple(sorted(event.id for event in one.events))
    return sorted((rule, key, ids) for (rule, key, _), ids in alerts.items())


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(0, 60), st.sampled_from("xxy"), st.sampled_from("aab"), st.integers(1, 2)
    ),
    min_size=1,
    max_size=25,
)


def shuffled(known: Sequence[Event], ticks: Sequence[int], chance: random.Random) -> list[Event]:
    """Events and ticks: each event comes before the tick that ends its grace, else anywhere."""
    placed: list[tuple[float, float, Event]] = [(minute, 0.0, tick(minute)) for minute in ticks]
    for one in known:
        ends = (one.recorded + GRACE - T0) / M
        latest = min((minute for minute in ticks if minute >= ends), default=1_000)
        earlier = [-1, *(minute for minute in ticks if minute < latest)]
        placed.append((chance.choice(earlier), 0.1 + chance.random(), one))
    return [one for _, _, one in sorted(placed, key=lambda p: p[:2])]


@settings(max_examples=150, deadline=None)
@given(
    drawn=EVENTS, ticks=st.sets(st.integers(1, 80), max_size=8), seed=st.integers(0, 1 << 30), cut=st.integers(0, 30)
)
def test_within_the_grace_no_order_changes_a_byte(
    drawn: list[tuple[int, int, str, str, int]], ticks: set[int], seed: int, cut: int
) -> None:
    known = [
        event(f"e{(number * 37) % 101}", at, known=when, k=k, m=m, n=n)
        for number, (at, when, k, m, n) in enumerate(drawn)
    ]
    clock = [*sorted(ticks), 1_000]
    chance = random.Random(seed)
    first = shuffled(known, clock, chance)
    second = shuffled(known, clock, chance)
    one = said(Engine(GRACED), first)
    engine = Engine(GRACED)
    other = said(engine, second[:cut])
    other += said(Engine(GRACED, load(dump(engine.state))), second[cut:])
    assert as_bytes(one) == as_bytes(other)
    assert len({id(detection) for detection in one}) == len(one)


@settings(max_examples=100, deadline=None)
@given(drawn=EVENTS, ticks=st.sets(st.integers(1, 80), max_size=8))
def test_a_clock_that_jumps_says_the_same(drawn: list[tuple[int, int, str, str, int]], ticks: set[int]) -> None:
    """However far a tick jumps, the same is said in the same order; only the moment of saying differs."""
    known = [event(f"e{n}", at, known=when, k=k, m=m, n=v) for n, (at, when, k, m, v) in enumerate(drawn)]
    jumping = said(Engine(GRACED), [*known, tick(1_000)])
    walking = said(Engine(GRACED), [*known, *(tick(minute) for minute in sorted(ticks)), tick(1_000)])
    assert standing(jumping) == standing(walking)
    for rule in ("three", "few", "then", "new", "changed"):
        mine = [[d for d in found if d.rule == rule] for found in (jumping, walking)]
        assert [plain_but_when(d) for d in mine[0]] == [plain_but_when(d) for d in mine[1]]


def plain_but_when(one: Detection) -> object:
    return [one.what, one.key, one.slot, one.reason, [e.id for e in one.events], [e.id for e in one.joined]]


@settings(max_examples=150, deadline=None)
@given(drawn=EVENTS, chance=st.randoms(use_true_random=False))
def test_without_grace_the_alerts_hold_the_same_events_for_any_order(
    drawn: list[tuple[int, int, str, str, int]], chance: random.Random
) -> None:
    known = [event(f"e{n}", at, known=when, k=k, m=m, n=v) for n, (at, when, k, m, v) in enumerate(drawn)]
    in_time = sorted(known, key=lambda e: (e.time, e.id))
    chance.shuffle(known)
    assert standing(said(Engine(AT_ONCE), known)) == standing(said(Engine(AT_ONCE), in_time))


def test_an_alert_is_named_after_its_earliest_event_when_it_is_raised() -> None:
    """Another order may raise it with other events; once told, it keeps its name."""
    events = [event(f"e{n}", n, known=n) for n in range(4)]
    in_order = [d for d in said(Engine(AT_ONCE), events) if d.rule == "three"]
    assert [(d.what, d.slot) for d in in_order] == [("raised", "e0"), ("updated", "e0")]
    backwards = [d for d in said(Engine(AT_ONCE), reversed(events)) if d.rule == "three"]
    assert [(d.what, d.slot) for d in backwards] == [("raised", "e1"), ("updated", "e1")]


def test_two_alerts_that_a_late_event_joins_go_on_as_the_earlier_one() -> None:
    events = [event(f"e{n}", at, known=n) for n, at in enumerate((0, 1, 2, 14, 15, 16, 8))]
    found = [d for d in said(Engine(AT_ONCE), events) if d.rule == "three"]
    assert [(str(d.what), str(d.reason), d.slot) for d in found] == [
        ("raised", "detected", "e0"),
        ("raised", "detected", "e3"),
        ("updated", "more_events", "e0"),
        ("retracted", "merged", "e3"),
    ]
    assert {e.id for e in found[2].joined} == {"e3", "e4", "e5", "e6"}


def test_what_a_late_event_disproves_falls_with_a_reason_of_its_own() -> None:
    found = said(Engine(AT_ONCE), [event("e9", 5, known=5), event("e1", 3, known=6), event("e2", 4, known=7)])
    assert [(str(d.what), str(d.reason), [e.id for e in d.events]) for d in found if d.rule == "new"] == [
        ("raised", "detected", ["e9"]),
        ("raised", "detected", ["e1"]),
        ("retracted", "no_longer_met", ["e9"]),
    ]
    assert [(str(d.what), str(d.reason), [e.id for e in d.events]) for d in found if d.rule == "few"] == [
        ("raised", "detected", ["e9"]),
        ("updated", "more_events", ["e9", "e1"]),
        ("updated", "more_events", ["e1", "e2"]),
    ]


def test_a_hundred_thousand_keys_in_two_orders_say_the_same() -> None:
    quietly = "---".join(TEXT.split("---")[nth] for nth in (0, 2)).replace("generate: true", "generate: false")
    rules = build(Content({"rules/r.yml": quietly % {"grace": "5m"}}))
    chance = random.Random(7)
    # One event for each key, and some that come in threes.
    keys = [*range(100_000), *range(0, 10_000, 2), *range(0, 10_000, 2)]
    known = [event(f"e{nth}", chance.randrange(30), known=30 + nth % 4, k=f"k{key}") for nth, key in enumerate(keys)]
    outputs = []
    for _ in range(2):
        chance.shuffle(known)
        found = said(Engine(rules), [tick(29), *known, tick(36), tick(100)])
        outputs.append(as_bytes(found))
        assert len(found) > 100
    assert outputs[0] == outputs[1]
