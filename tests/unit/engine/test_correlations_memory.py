"""What is remembered and what is forgotten: nothing that is forgotten can be seen; and what is told of an event."""

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.detectors.keys import Keys, keys_of, read_key
from almenara.engine.detectors.measures import number_of, percentile, total_compares
from almenara.engine.detectors.windows import Windows
from almenara.engine.engine import Engine, dump, load
from almenara.engine.rule import AggregateRule
from almenara.engine.ruleset import Content, Ruleset, build
from almenara.engine.view import View

T0 = datetime(2030, 1, 1, tzinfo=UTC)
H = timedelta(hours=1)
MATCH = "logsource: {product: almenara, category: office.changed}\ndetection: {s: {m: a}, condition: s}"
COUNT = f"title: a\nname: a\n{MATCH}\n---\ntitle: r\nname: r\ncorrelation: {{rules: [a], group-by: [k], timespan: 10h, "
SINGLE = f"title: r\nname: r\n{MATCH}\nalmenara: "
RULES = {
    "count": COUNT + "type: event_count, condition: {gte: 3}}",
    "few": COUNT + "type: event_count, condition: {lte: 1}}",
    "sum": COUNT + "type: value_sum, condition: {gte: 4, field: n}}",
    "usual": COUNT + "type: event_count, condition: {gte: 2}}\nalmenara: {baseline: {of: 30h, at_least: 2}}",
    "seen": SINGLE + "{first_seen: {fields: [n], keys: [k], within: 20h, learn: 30h}}",
    "changed": SINGLE + "{change: {field: n, keys: [k]}}",
}
LATENESS_H = 6


def ruleset(rule: str, lateness_h: int | None) -> Ruleset:
    return build(Content({"rules/r.yml": RULES[rule]}, None if lateness_h is None else lateness_h * 3_600))


BOUNDED = {name: ruleset(name, LATENESS_H) for name in RULES}
UNBOUNDED = {name: ruleset(name, None) for name in RULES}


def event(uid: str, at: int, known: int, k: str = "x", n: Any = 1, lasts: int = 0) -> Event:
    until = T0 + (at + lasts) * H if lasts else None
    return Event(
        id=uid, source="t", type="office.changed", time=T0 + at * H, until=until, recorded=T0 + known * H,
        country="PER", data={"k": k, "m": "a", "n": n},
    )  # fmt: skip


def tick(hour: int) -> Event:
    at = T0 + hour * H
    return Event(id=f"t{hour}", source="t", type="tick", time=at, recorded=at, country="ZZZ")


def told(found: list[Detection]) -> list[Any]:
    return [(d.what, d.reason, d.key, d.slot, [e.id for e in d.events], d.matched) for d in found]


def stream(chance: random.Random, count: int) -> list[Event]:
    """Events in order of becoming known, none later than the lateness; the clock follows, also in leaps."""
    found: list[Event] = []
    now = 0
    for number in range(count):
        now += chance.choice([0, 0, 1, 1, 2, 5, 25])
        if chance.random() < 0.4:
            found.append(tick(now))
        lasts = chance.choice([0, 0, 0, 4])
        ago = chance.randrange(LATENESS_H + 1) + lasts
        found.append(
            event(f"e{number:03}", now - ago, now, k=chance.choice("xy"), n=chance.choice([1, 2]), lasts=lasts)
        )
    return found


@pytest.mark.parametrize("rule", sorted(RULES))
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 30), count=st.integers(1, 60), cut=st.integers(0, 60))
def test_what_is_forgotten_cannot_be_seen(rule: str, seed: int, count: int, cut: int) -> None:
    """Forgetting, and a restart somewhere, say the same as remembering everything."""
    events = stream(random.Random(seed), count)
    everything = Engine(UNBOUNDED[rule])
    wanted = [d for one in events for d in everything.apply(one).detections]
    bounded = Engine(BOUNDED[rule])
    found = [d for one in events[:cut] for d in bounded.apply(one).detections]
    restarted = Engine(BOUNDED[rule], load(dump(bounded.state)))
    found += [d for one in events[cut:] for d in restarted.apply(one).detections]
    assert told(found) == told(wanted)


@pytest.mark.parametrize(("rule", "most"), [("count", 2_000), ("sum", 2_500), ("usual", 6_000)])
def test_silent_keys_are_forgotten(rule: str, most: int) -> None:
    """Each key comes once; what is kept is bounded by the windows, however many have come."""
    engine = Engine(BOUNDED[rule])
    sizes = []
    for hour in range(1, 3_000):
        engine.apply(tick(hour))
        for nth in range(5):
            engine.apply(event(f"e{hour}/{nth}", hour, hour, k=f"k{hour}/{nth}"))
        if hour in (1_000, 2_999):
            sizes.append(len(dump(engine.state)))
    assert sizes[1] < 1.2 * sizes[0]
    assert sizes[1] < most * 100


def test_what_stands_in_an_alert_is_kept_for_a_withdrawal_long_after() -> None:
    engine = Engine(BOUNDED["count"])
    for number in range(4):
        engine.apply(event(f"e{number}", number, number))
    for hour in range(100, 2_000, 50):
        engine.apply(tick(hour))
        engine.apply(event(f"l{hour}", hour, hour))
    gone = Event(
        id="w", source="t", type="event.withdrawn", time=T0, recorded=T0 + 3_000 * H, country="PER", data={"of": "e1"}
    )
    assert [(str(d.what), [e.id for e in d.events]) for d in engine.apply(gone).detections] == [
        ("updated", ["e0", "e2", "e3"])
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("count", ["not raised: counted; 2 of its key within 10h; needed: at least 3 events within 10h"]),
        (
            "few",
            ["counted, part of an alert of 1 events; 2 of its key within 10h; needed: at most 1 events within 10h"],
        ),
        ("sum", ["not raised: counted; 2 of its key within 10h; needed: sum of n at least 4 within 10h"]),
        (
            "usual",
            [
                "not raised: counted; 2 of its key within 10h; needed: at least 2 events within 10h, "
                "2 times the usual of 1d6h before",
                "nothing is said of events before 2030-01-02 06:00 UTC: it is still learning",
            ],
        ),
        (
            "seen",
            [
                "not raised: counted; 1 of its key within 20h; needed: none of its key in the 20h before",
                "nothing is said of events before 2030-01-02 06:00 UTC: it is still learning",
            ],
        ),
        ("changed", ["counted, part of an alert of 2 events; n is 2, before it 1"]),
    ],
)
def test_why_there_is_no_alert(rule: str, said: list[str]) -> None:
    engine = Engine(UNBOUNDED[rule])
    engine.apply(event("e0", 0, 0))
    engine.apply(event("e1", 1, 1, n=2))
    detector = engine.detector("r")
    assert detector is not None
    uid = "e0" if rule == "few" else "e1"
    lines = [line.strip() for line in detector.account(uid)]
    assert [line for line in lines if not line.startswith("key")] == said


def test_a_baseline_tells_what_is_usual_and_what_was_found() -> None:
    engine = Engine(UNBOUNDED["usual"])
    events = [event("e0", 0, 0), event("e1", 20, 20), event("e2", 40, 40), event("e3", 41, 41), event("e4", 42, 42)]
    found = [d for one in events for d in engine.apply(one).detections]
    assert [(str(d.what), {m.field: m.value for m in d.matched}) for d in found] == [
        ("raised", {"found": 2, "usual": 0.333}),
        ("updated", {"found": 3, "usual": 0.333}),
    ]


def test_a_change_tells_the_value_before() -> None:
    engine = Engine(UNBOUNDED["changed"])
    found = [d for one in (event("e0", 0, 0), event("e2", 2, 2, n=2)) for d in engine.apply(one).detections]
    late = engine.apply(event("e1", 1, 3, n=3)).detections
    assert [(str(d.what), d.slot, {m.field: m.value for m in d.matched}) for d in (*found, *late)] == [
        ("raised", "e2", {"m": "a", "n": "2", "n before": "1"}),
        ("raised", "e1", {"m": "a", "n": "3", "n before": "1"}),
        ("updated", "e2", {"m": "a", "n": "2", "n before": "3"}),
    ]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3), (2.5, 2.5), ("7", 7), (" -1.5 ", -1.5), ("1e3", 1000.0), ("+4", 4),
        (True, None), (None, None), ("", None), ("1,5", None), ("nan", None), ("1_000", None), ("٣", None),
        (float("inf"), None), ("1e999", None), (10**400, None), (2**70, float(2**70)), ({}, None), ("9" * 50, None),
    ],
)  # fmt: skip
def test_what_is_a_number(value: Any, number: Any) -> None:
    assert number_of(value) == number


NUMBERS = st.lists(st.one_of(st.integers(-50, 50), st.integers(-500, 500).map(lambda n: n / 10)), min_size=1)


@given(numbers=NUMBERS, bound=st.integers(-500, 500).map(lambda n: n / 10), chance=st.randoms(use_true_random=False))
def test_sums_compare_as_they_are_written(numbers: list[float], bound: float, chance: random.Random) -> None:
    total = sum(Fraction(str(number)) for number in numbers)
    chance.shuffle(numbers)
    assert total_compares(numbers, "gte", bound, 1) == (total >= Fraction(str(bound)))
    assert total_compares(numbers, "eq", bound, len(numbers)) == (total == Fraction(str(bound)) * len(numbers))


def test_sums_beyond_what_a_number_holds() -> None:
    assert total_compares([1.7e308, 1.7e308, -1.7e308], "eq", 1.7e308, 1)
    assert total_compares([1e16, 1, -1e16], "eq", 1, 1)
    assert total_compares([0.1, 0.2], "eq", 0.3, 1)


@given(numbers=NUMBERS, percent=st.integers(1, 99))
def test_a_percentile_is_the_nearest_rank(numbers: list[float], percent: int) -> None:
    found = percentile(numbers, percent)
    assert 100 * sum(n <= found for n in numbers) >= percent * len(numbers)
    assert not any(
        100 * sum(n <= other for n in numbers) >= percent * len(numbers) for other in numbers if other < found
    )


@given(times=st.lists(st.integers(0, 60), min_size=1), span=st.integers(1, 20))
def test_a_window_holds_what_is_less_than_a_span_before(times: list[int], span: int) -> None:
    windows = Windows(span)
    taken: list[int] = []
    for time in times:
        taken.append(time)
        assert windows.add("k", time) == sum(time - span < other <= time for other in taken)
    for nth in range(0, len(taken), 2):
        windows.discard("k", taken[nth])
    left = sorted(taken[1::2])
    assert windows.times.get("k", []) == left
    windows.forget(30)
    assert windows.times.get("k", []) == [time for time in left if time >= 30]


SCALAR = st.one_of(
    st.text(max_size=5), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.none()
)


@given(data=st.fixed_dictionaries({"b": st.one_of(SCALAR, st.lists(SCALAR, max_size=3)), 'a"': SCALAR}))
def test_the_fast_way_to_a_key_is_the_plain_one(data: dict[str, Any]) -> None:
    rule = AggregateRule(name="r", title="r", rules=("a",), group_by=("b", 'a"'))
    one = Event(id="1", source="t", type="t", time=T0, recorded=T0, country="PER", data=data)
    view = View(one, {}, scope="PER")
    keys = Keys(rule).of("a", view)
    assert keys == keys_of(rule, "a", view)
    for key in keys:
        assert set(read_key(key)) == {"b", 'a"'}
