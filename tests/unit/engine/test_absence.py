"""The absence detector against its definition, written straight from the promise: brute force, event by event."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.engine import Engine, dump, load
from almenara.engine.ruleset import Content, Ruleset, build

T0 = datetime(2030, 1, 1, tzinfo=UTC)
H = timedelta(hours=1)
LOOK_BACK, TIMESPAN, LAG, GRACE = 6 * H, 12 * H, 8 * H, 3 * H
RULES = """
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
title: A without B
name: missing
correlation:
  type: temporal
  rules: [a, b]
  group-by: [k]
  timespan: 12h
  condition: a and not b
almenara: {absence: {anchor: a, look_back: 6h, publish_lag: 8h, grace: 3h, on_late: %s}}
"""


def ruleset(on_late: str = "resolve") -> Ruleset:
    return build(Content({"rules/r.yml": RULES % on_late}))


RULESET = ruleset()


@dataclass(frozen=True)
class Thing:
    """A or B: hours since T0 it happened, how long it lasted (0 = a moment), when it became known, its key."""

    anchor: bool
    at: int
    lasts: int
    delay: int
    key: str

    def event(self, number: int) -> Event:
        time = T0 + self.at * H
        return Event(
            id=f"e{number}",
            source="test",
            type="meeting.held" if self.anchor else "meeting.registered",
            time=time,
            until=time + self.lasts * H if self.lasts else None,
            recorded=T0 + (self.at + self.delay) * H,
            country="XAL",
            data={"k": self.key},
        )


things = st.lists(
    st.builds(
        Thing,
        anchor=st.booleans(),
        at=st.integers(0, 60),
        lasts=st.sampled_from([0, 0, 1, 24]),
        delay=st.integers(0, 40),
        key=st.sampled_from(["x", "y"]),
    ),
    max_size=12,
)


def tick(at: datetime) -> Event:
    return Event(id=f"tick/{at.isoformat()}", source="t", type="tick", time=at, recorded=at, country="ZZZ")


def meets(b: Event, a: Event) -> bool:
    start, end = a.time - LOOK_BACK, a.end + TIMESPAN
    overlaps = b.time <= end and (b.until > start if b.until else b.time >= start)
    return b.data["k"] == a.data["k"] and overlaps


def expected(events: list[Event], ticks: list[datetime]) -> list[tuple[str, str, datetime]]:
    """(what, id of A, clock) by the definition: records in order, the clock moves by ticks alone."""
    found = []
    for place, a in enumerate(events):
        if a.type != "meeting.held":
            continue
        deadline = max(a.end + TIMESPAN + LAG, a.recorded) + GRACE
        raised_at = min(at for at in ticks if at >= deadline)
        # Each event comes after the tick of its own `recorded`; what came with an earlier clock came before.
        before = [b for i, b in enumerate(events) if b.recorded < raised_at or (b.recorded == raised_at and i < place)]
        if any(b.type == "meeting.registered" and meets(b, a) for b in before):
            continue
        found.append(("raised", a.id, raised_at))
        later = [b for b in events if b.type == "meeting.registered" and meets(b, a)]
        if later:
            found.append(("resolved", a.id, min(b.recorded for b in later)))
    return sorted(found)


def run(engine: Engine, stream: list[Event]) -> list[tuple[str, str, datetime]]:
    found = [detection for event in stream for detection in engine.apply(event).detections]
    return [(str(d.what), d.slot, d.at) for d in found]


def stream_of(chosen: list[Thing], coarse: int) -> tuple[list[Event], list[datetime], list[Event]]:
    """The events in order of what became known, their ticks, and both as one stream."""
    events = sorted((thing.event(n) for n, thing in enumerate(chosen)), key=lambda e: (e.recorded, e.id))
    moments = {event.recorded for event in events} | {T0 + hour * H for hour in range(0, 200, coarse)}
    ticks = sorted({*moments, T0 + 1000 * H})
    stream: list[Event] = []
    for at in ticks:
        stream.append(tick(at))
        stream += [event for event in events if event.recorded == at]
    return events, ticks, stream


@settings(max_examples=400, deadline=None)
@given(chosen=things, coarse=st.sampled_from([1, 7, 200]))
def test_the_detector_is_its_definition(chosen: list[Thing], coarse: int) -> None:
    events, ticks, stream = stream_of(chosen, coarse)
    assert sorted(run(Engine(RULESET), stream)) == expected(events, ticks)


@settings(max_examples=150, deadline=None)
@given(chosen=things, cut=st.integers(0, 300))
def test_a_restart_from_a_snapshot_changes_nothing(chosen: list[Thing], cut: int) -> None:
    _, _, stream = stream_of(chosen, 7)
    first = Engine(RULESET)
    found = run(first, stream[:cut])
    found += run(Engine(RULESET, load(dump(first.state))), stream[cut:])
    assert found == run(Engine(RULESET), stream)


@settings(max_examples=150, deadline=None)
@given(chosen=things, order=st.randoms(use_true_random=False))
def test_arrival_order_inside_the_grace_changes_nothing(chosen: list[Thing], order: object) -> None:
    """Everything becomes known at one moment inside every deadline: the order of the records does not matter."""
    known = T0 + 70 * H
    events = [Thing(t.anchor, t.at, t.lasts, 70 - t.at, t.key).event(n) for n, t in enumerate(chosen)]
    shuffled = list(events)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    end = tick(T0 + 1000 * H)
    one = run(Engine(RULESET), [tick(known), *events, end])
    other = run(Engine(RULESET), [tick(known), *shuffled, end])
    assert one == other


def test_late_entries_do_what_the_rule_says() -> None:
    stream = [
        tick(T0),
        Thing(True, 0, 0, 0, "x").event(1),
        tick(T0 + 100 * H),
        tick(T0 + 120 * H),
        Thing(False, 1, 0, 119, "x").event(2),
    ]
    told = {
        mode: [what for what, _, _ in run(Engine(ruleset(mode)), stream)] for mode in ("resolve", "retract", "ignore")
    }
    assert told == {"resolve": ["raised", "resolved"], "retract": ["raised", "retracted"], "ignore": ["raised"]}


def test_the_edges_of_the_window_belong_to_it() -> None:
    for hour, raised in ((-7, True), (-6, False), (12, False), (13, True)):
        stream = [
            tick(T0 - 20 * H),
            Thing(False, hour, 0, 0, "x").event(1),
            Thing(True, 0, 0, 0, "x").event(2),
            tick(T0 + 500 * H),
        ]
        assert bool(run(Engine(RULESET), stream)) is raised, hour


def test_a_withdrawn_entry_lets_the_alert_rise() -> None:
    withdrawn = Event(
        id="w", source="t", type="event.withdrawn", time=T0, recorded=T0, country="XAL", data={"of": "e2"}
    )
    stream = [tick(T0), Thing(True, 0, 0, 0, "x").event(1), Thing(False, 1, 0, 0, "x").event(2), tick(T0 + 100 * H)]
    engine = Engine(RULESET)
    assert run(engine, stream) == []
    assert [(d.what, d.reason) for d in engine.apply(withdrawn).detections] == [("raised", "entry_withdrawn")]


def test_a_heartbeat_that_stops_is_found_by_the_same_machine() -> None:
    """B is always another record than A, so one event can be both."""
    same = RULES.replace("meeting.registered", "meeting.held")
    engine = Engine(build(Content({"rules/r.yml": same % "resolve"})))
    beats = [Thing(True, hour, 0, 0, "x").event(hour) for hour in (0, 10, 20)]
    stream = [event for beat in beats for event in (tick(beat.recorded), beat)]
    found = run(engine, [*stream, tick(T0 + 300 * H)])
    assert [(what, slot) for what, slot, _ in found] == [("raised", "e20")]
