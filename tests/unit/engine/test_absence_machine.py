"""Any stream of records, in any disorder, over any restart and activation: the engine says what the definition says."""

import random
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from absence_definition import T0, Definition, H, Terms, said
from almenara.domain.event import Event
from almenara.engine.engine import Engine, dump, load

SOURCES = ("r1", "r2")
KEYS: list[Any] = ["x", "y", 1, ["x", "y"], ["y", 1, "y"], None, []]
LASTS = (0, 0, 1, 24, 60)
STEPS = (0, 1, 2, 3, 10, 24, 60)
MOVED = (0, 0, -5, 15, 40)
OUTCOMES = ("new", "unchanged", "new", "failed", "shrunk")
TYPES = ("meeting.held", "meeting.registered")
TERMS: dict[str, list[Any]] = {
    "look_back": [0, 6],
    "timespan": [1, 12],
    "lag": [0, 8],
    "grace": [0, 3],
    "remember": [48, 48, 400 * 24],
    "on_late": ["resolve", "retract", "ignore"],
    "coverage": [(), SOURCES[:1], SOURCES],
    "b": ["meeting.registered", "meeting.registered", "meeting.held"],
}
terms = st.builds(Terms, **{name: st.sampled_from(values) for name, values in TERMS.items()})
which = st.integers(0, 1_000)


class Stream(RuleBasedStateMachine):
    """Everything that can stand in a stream, and everything that can happen to the engine between two records."""

    @initialize(chosen=terms)
    def start(self, chosen: Terms) -> None:
        self.rulesets = (chosen.ruleset(), chosen.ruleset("In other words"))
        self.engine = Engine(self.rulesets[0])
        self.definition = Definition(chosen)
        self.hour, self.number = 0, 0
        self.sent: list[Event] = []

    @rule(step=st.sampled_from(STEPS))
    def tick(self, step: int) -> None:
        self.hour += step
        at = T0 + self.hour * H
        self.take(Event(id=f"tick/{self.hour}", source="t", type="tick", time=at, recorded=at, country="ZZZ"))

    @rule(
        type_=st.sampled_from(TYPES),
        ago=st.one_of(st.integers(-20, 30), st.sampled_from([48, 70, 90])),
        lasts=st.sampled_from(LASTS),
        told_late=st.sampled_from([0, 0, 1, 5]),
        key=st.sampled_from(KEYS),
    )
    def observe(self, type_: str, ago: int, lasts: int, told_late: int, key: Any) -> None:
        time = T0 + (self.hour - ago) * H
        until = time + lasts * H if lasts else None
        self.send(type_, time, until=until, recorded=T0 + (self.hour - told_late) * H, data={"k": key})

    @rule(
        source=st.sampled_from([*SOURCES, "other"]),
        back=st.integers(0, 60),
        width=st.integers(0, 80),
        outcome=st.sampled_from(OUTCOMES),
    )
    def read(self, source: str, back: int, width: int, outcome: str) -> None:
        until = T0 + (self.hour - back) * H
        covers = {"from": (until - width * H).isoformat(), "until": until.isoformat()}
        data = {"source": {"id": source}, "outcome": outcome, "covers": covers}
        self.send("source.checked", T0 + self.hour * H, data=data)

    @precondition(lambda self: self.sent)
    @rule(which=which)
    def again(self, which: int) -> None:
        """The same record twice. A reading that was taken out would be a new one: the log drops it, not the engine."""
        event = self.sent[which % len(self.sent)]
        self.take(event)

    @precondition(lambda self: self.sent)
    @rule(which=which)
    def withdraw(self, which: int) -> None:
        of = self.sent[which % len(self.sent)]
        self.send("event.withdrawn", T0 + self.hour * H, data={"of": of.id}, keep=False)

    @precondition(lambda self: self.sent)
    @rule(which=which, moved=st.sampled_from(MOVED), key=st.sampled_from(KEYS))
    def correct(self, which: int, moved: int, key: Any) -> None:
        of = self.sent[which % len(self.sent)]
        content: dict[str, Any] = {
            "type": of.type,
            "time": (of.time + moved * H).isoformat(),
            "data": {**of.data, "k": key} if "k" in of.data else {**of.data, "outcome": "failed" if moved else "new"},
        }
        if of.until:
            content["until"] = (of.until + moved * H).isoformat()
        self.send("event.corrected", T0 + self.hour * H, data={"of": of.id, "event": content}, keep=False)

    @rule(words=st.integers(0, 1))
    def restart(self, words: int) -> None:
        """From a snapshot, perhaps with a ruleset that says the same in other words."""
        self.engine = Engine(self.rulesets[words], load(dump(self.engine.state)))

    def send(
        self,
        type_: str,
        time: datetime,
        *,
        data: dict[str, Any],
        until: datetime | None = None,
        recorded: datetime | None = None,
        keep: bool = True,
    ) -> None:
        self.number += 1
        event = Event(
            id=f"e{self.number:03}",
            source="t",
            type=type_,
            time=time,
            until=until,
            recorded=recorded or T0 + self.hour * H,
            country="XAL",
            data=data,
        )
        if keep:
            self.sent.append(event)
        self.take(event)

    def take(self, event: Event) -> None:
        assert said(self.engine.apply(event).detections) == self.definition.take(event)
        held = self.definition.all_a + self.definition.all_b
        assert {thing.event.id for thing in held} == {e.id for e in self.sent if self.detector.holds(e.id)}

    @property
    def detector(self) -> Any:
        return self.engine.detector("missing")


TestStream = Stream.TestCase
TestStream.settings = settings(max_examples=100, stateful_step_count=50, deadline=timedelta(seconds=10))


@settings(max_examples=200, deadline=timedelta(seconds=10))
@given(seed=st.integers(0, 1_000_000))
def test_a_long_stream_is_its_definition(seed: int) -> None:
    """The same, longer than hypothesis would go by itself: what is rare needs many records before it."""
    chance = random.Random(seed)
    stream = Stream()
    stream.start(Terms(**{name: chance.choice(values) for name, values in TERMS.items()}))
    stream.observe("meeting.held", 0, 0, 0, "x")
    for _ in range(120):
        lot, one = chance.randrange(20), chance.randrange(1_000)
        if lot < 5:
            stream.tick(chance.choice(STEPS))
        elif lot < 12:
            ago = chance.choice([chance.randint(-20, 30), 48, 70, 90])
            lasts, told_late = chance.choice(LASTS), chance.choice([0, 0, 1, 5])
            stream.observe(chance.choice(TYPES), ago, lasts, told_late, chance.choice(KEYS))
        elif lot < 15:
            source = chance.choice([*SOURCES, "other"])
            stream.read(source, chance.randint(0, 60), chance.randint(0, 80), chance.choice(OUTCOMES))
        elif lot < 16:
            stream.again(one)
        elif lot < 17:
            stream.withdraw(one)
        elif lot < 19:
            stream.correct(one, chance.choice(MOVED), chance.choice(KEYS))
        else:
            stream.restart(chance.randrange(2))
