"""A ruleset takes over: what did not change goes on as it is, what changed has looked back as far as it must."""

import functools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.engine import Engine, dump
from almenara.engine.ruleset import Ruleset
from almenara.ports.log import EVENTS, Record
from almenara.ports.processor import History
from almenara.ports.wire import encode_event
from almenara.rules.activation import PAGE, take_over
from made_up_life import BEYOND, checked, event, life, meeting, tick

LATE_S = 36_000


@functools.cache
def ruleset(**other: str) -> Ruleset:
    return checked(lateness_s=LATE_S, **other).ruleset


class Log:
    """Events as the records of one partition; `read` says which were asked for."""

    def __init__(self, events: list[Event]) -> None:
        self.records = [
            Record(EVENTS, 0, number, one.country, one.id, encode_event(one), b"")
            for number, one in enumerate(events, start=1)
        ]
        self.read: list[int] = []

    @property
    def history(self) -> History:
        def read(after: int, upto: int) -> list[Record]:
            found = self.records[after:upto]
            self.read += [record.sequence for record in found]
            return found

        return read


def sound_life(seed: int) -> list[Event]:
    """A life without the corrections on which the engine fails: what the runner makes of those is tested there."""
    return [one for one in life(random.Random(seed), 80) if not any(beyond in str(one.data) for beyond in BEYOND)]


def lived(rules: Ruleset, events: list[Event]) -> Engine:
    engine = Engine(rules, apart=True)
    for one in events:
        engine.apply(one)
    return engine


def spoken(engine: Engine, events: list[Event], rules: set[str]) -> list[tuple[str, str, str, list[str]]]:
    def one(said: Detection) -> tuple[str, str, str, list[str]]:
        return said.rule, str(said.what), str(said.reason), [held.id for held in said.events]

    return [one(said) for held in events for said in engine.apply(held).detections if said.rule in rules]


def test_new_words_read_nothing_and_keep_everything() -> None:
    log = Log([meeting("m1", 0), tick(1)])
    running = lived(ruleset(), [meeting("m1", 0), tick(1)])
    before = dump(running.state)
    made = take_over(ruleset(level="high"), running, log.history, 2)
    assert log.read == []
    assert dump(made.state) == before
    assert [name for name, _, _ in made.waiting()] == ["missing"]


def test_only_the_end_of_a_long_log_is_read_again() -> None:
    days = 900
    events = [
        one for hour in range(0, days * 24, 6) for one in (event("article.published", f"e{hour}", hour), tick(hour))
    ]
    events += [meeting("m1", days * 24), tick(days * 24 + 1)]
    log = Log(events)
    made = take_over(ruleset(on_late="ignore"), lived(ruleset(), events), log.history, len(events))
    assert [(name, held.id) for name, held, _ in made.waiting()] == [("missing", "m1")]
    folded = [number for number in log.read if number > len(events) // 2]
    assert len(set(log.read)) < len(events) * 0.75
    assert set(range(len(events) - PAGE, len(events) + 1)) <= set(folded)


def test_the_first_ruleset_reads_all_that_is_there() -> None:
    log = Log([meeting("m1", 0), tick(1)])
    made = take_over(ruleset(), None, log.history, 2)
    assert [held.id for _, held, _ in made.waiting()] == ["m1"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), cut=st.integers(0, 80), on_late=st.sampled_from(["resolve", "retract", "ignore"]))
def test_what_changed_goes_on_as_if_it_had_always_run(seed: int, cut: int, on_late: str) -> None:
    events = sound_life(seed)
    first, second = events[:cut], events[cut:]
    new = ruleset(on_late=on_late, coverage="[]")
    made = take_over(new, lived(ruleset(), first), Log(first).history, len(first))
    always = lived(new, first)
    assert spoken(made, second, {"missing"}) == spoken(always, second, {"missing"})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), cut=st.integers(0, 80))
def test_what_did_not_change_never_notices(seed: int, cut: int) -> None:
    events = sound_life(seed)
    first, second = events[:cut], events[cut:]
    made = take_over(ruleset(on_late="ignore"), lived(ruleset(), first), Log(first).history, len(first))
    others = {"many", "strong"}
    assert spoken(made, second, others) == spoken(lived(ruleset(), first), second, others)


def test_a_record_on_which_the_engine_fails_does_not_stop_an_activation() -> None:
    content = {"type": "meeting.held", "time": BEYOND[1], "data": {"k": "x", "who": "y"}}
    events = [meeting("m1", 0), meeting("m2", 1), event("event.corrected", "c", 2, of="m1", event=content), tick(3)]
    with pytest.raises(OverflowError):
        lived(ruleset(), events)
    made = take_over(ruleset(on_late="ignore"), lived(ruleset(), events[:2]), Log(events).history, len(events))
    assert sorted(held.id for _, held, _ in made.waiting()) == ["m1", "m2"]


def test_an_alert_that_lasts_longer_than_its_windows_goes_on_under_its_name() -> None:
    events = []
    for hour in range(60 * 24):
        events += [event("office.changed", f"s{hour}", hour, k="x")] if hour % 12 == 0 else []
        events.append(tick(hour))
    last, other = event("office.changed", "last", 60 * 24, k="x"), checked(lateness_s=LATE_S + 1).ruleset
    made = take_over(other, lived(ruleset(), events), Log(events).history, len(events), since={"many": events[0].time})
    found = [[said.slot for said in engine.apply(last).detections] for engine in (made, lived(other, events))]
    assert found == [["s0"], ["s0"]]
