"""The detector of thresholds: windows, episodes, corrections, and what comes too late."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.engine import Engine, dump, load
from almenara.engine.ruleset import Content, build

T0 = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = """
title: Shock
name: shock
logsource: {product: almenara, category: office.changed}
detection: {any: {'k|exists': true}, condition: any}
---
title: Many shocks
name: many
correlation: {type: %s, rules: [shock], group-by: [k], timespan: 10d, condition: {gte: 3%s}}
"""
COUNT = build(Content({"rules/r.yml": RULES % ("event_count", "")}))
VALUES = build(Content({"rules/r.yml": RULES % ("value_count", ", field: who")}))


def shock(uid: str, day: float, who: str = "a", key: str = "x", type_: str = "office.changed") -> Event:
    at = T0 + day * DAY
    return Event(id=uid, source="t", type=type_, time=at, recorded=at, country="XAL", data={"k": key, "who": who})


def about(type_: str, of: str, **data: object) -> Event:
    return Event(
        id=f"{type_}/{of}", source="t", type=type_, time=T0, recorded=T0, country="XAL", data={"of": of, **data}
    )


def run(engine: Engine, *events: Event) -> list[tuple[str, str, list[str]]]:
    found: list[Detection] = [d for event in events for d in engine.apply(event).detections]
    return [(str(d.what), str(d.reason), [event.id for event in d.events]) for d in found]


def test_the_third_within_the_window_raises_and_further_ones_join() -> None:
    said = run(Engine(COUNT), shock("1", 0), shock("2", 5), shock("3", 9), shock("4", 12))
    assert said == [("raised", "detected", ["1", "2", "3"]), ("updated", "more_events", ["1", "2", "3", "4"])]


def test_the_window_is_half_open() -> None:
    assert run(Engine(COUNT), shock("1", 0), shock("2", 5), shock("3", 10)) == []


def test_keys_are_counted_apart() -> None:
    assert run(Engine(COUNT), shock("1", 0), shock("2", 1, key="y"), shock("3", 2)) == []


def test_values_are_counted_once_each() -> None:
    assert run(Engine(VALUES), shock("1", 0), shock("2", 1), shock("3", 2), shock("4", 3, who="b")) == []
    said = run(Engine(VALUES), shock("1", 0), shock("2", 1, "b"), shock("3", 2, "c"))
    assert [what for what, _, _ in said] == ["raised"]


def test_the_same_event_twice_is_counted_once() -> None:
    assert run(Engine(COUNT), shock("1", 0), shock("1", 0), shock("2", 1)) == []


def test_a_withdrawn_event_takes_its_alert_with_it() -> None:
    engine = Engine(COUNT)
    run(engine, shock("1", 0), shock("2", 1), shock("3", 2))
    assert run(engine, about("event.withdrawn", "2")) == [("retracted", "source_withdrawn", ["1", "3"])]


def test_a_withdrawn_event_that_is_not_needed_updates() -> None:
    engine = Engine(COUNT)
    run(engine, shock("1", 0), shock("2", 1), shock("3", 2), shock("4", 3))
    assert run(engine, about("event.withdrawn", "4")) == [("updated", "source_withdrawn", ["1", "2", "3"])]


def test_a_correction_decides_again() -> None:
    engine = Engine(COUNT)
    run(engine, shock("1", 0), shock("2", 1), shock("3", 2))
    content = {"type": "office.changed", "time": (T0 + 40 * DAY).isoformat(), "data": {"k": "x"}}
    said = run(engine, about("event.corrected", "3", event=content))
    assert said == [("retracted", "source_corrected", ["1", "2"])]


def test_an_event_that_comes_too_late_is_not_counted_and_said_to_be_late() -> None:
    strict = build(Content({"rules/r.yml": RULES % ("event_count", "")}, allowed_lateness_s=86_400))
    late = Event(
        id="9", source="t", type="office.changed", time=T0, recorded=T0 + 3 * DAY, country="XAL", data={"k": "x"}
    )
    engine = Engine(strict)
    run(engine, shock("1", 0), shock("2", 1))
    findings = engine.apply(late)
    assert findings.detections == []
    assert [(found.rule, found.event.id) for found in findings.late] == [("many", "9")]


@settings(max_examples=200, deadline=None)
@given(
    days=st.lists(st.integers(0, 60), min_size=1, max_size=14),
    cut=st.integers(0, 14),
    order=st.randoms(use_true_random=False),
)
def test_every_event_of_a_full_window_is_in_an_alert(days: list[int], cut: int, order: object) -> None:
    """Whatever the order of arrival and wherever it restarts: the alerts hold just the events of the full windows."""
    events = [shock(f"e{number}", day) for number, day in enumerate(days)]
    order.shuffle(events)  # type: ignore[attr-defined]
    first = Engine(COUNT)
    held = [said for event in events[:cut] for said in first.apply(event).detections]
    second = Engine(COUNT, load(dump(first.state)))
    held += [said for event in events[cut:] for said in second.apply(event).detections]
    alerted = {event.id for detection in held for event in detection.events}
    windows = [[e for e in events if start <= e.time < start + 10 * DAY] for start in {e.time for e in events}]
    assert alerted == {e.id for window in windows if len(window) >= 3 for e in window}
