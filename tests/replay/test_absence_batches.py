"""Absences with a short memory through the rules service: batches, restarts and snapshots change no byte."""

import functools
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from absence_definition import T0, H, Terms
from almenara.adapters.memory import MemoryStore
from almenara.app.activation import Checked, activate_rules, check
from almenara.app.replay import replay_alerts
from almenara.app.worker import Worker
from almenara.domain.event import Event
from almenara.engine.ruleset import Content
from almenara.ports.log import ALERTS, EVENTS, Entry, Record, read_range
from almenara.ports.wire import encode_event
from almenara.rules.service import RulesProcessor

COUNT = 400


@functools.cache
def rules(title: str) -> Checked:
    return check(Content({"rules/r.yml": Terms(remember=48, coverage=("r1",)).text(title)}, 172_800))


def life(seed: int) -> list[Event]:
    """Things that happened and were read, in the disorder of a day or two, and a clock that goes by leaps."""
    chance, hour, found = random.Random(seed), 0, []
    for number in range(COUNT):
        kind = chance.choice(["tick", "meeting.held", "meeting.held", "meeting.registered", "source.checked"])
        hour += chance.choice([0, 1, 3, 20]) if kind == "tick" else 0
        now = T0 + hour * H
        time = now if kind in ("tick", "source.checked") else now - chance.choice([0, 1, 5, 30, 60]) * H
        covers = {"from": (now - 60 * H).isoformat(), "until": (now - chance.choice([0, 5]) * H).isoformat()}
        data = {"source": {"id": "r1"}, "outcome": "new", "covers": covers, "k": chance.choice("xyz")}
        found.append(
            Event(id=f"e{number}", source="t", type=kind, time=time, recorded=now, country="XAL", data=data)
        )  # fmt: skip
    return found


def alerts(store: MemoryStore) -> list[tuple[str, bytes]]:
    return [(record.position, record.body) for record in read_range(store, ALERTS, 0)]


def run(seed: int, cuts: list[int], snapshot_every: int) -> MemoryStore:
    """Half of the life, the same rules in other words, and the other half; a new worker at each cut."""
    store, events = MemoryStore(1), life(seed)
    activate_rules(store, rules("A without B"), T0, by="t", reason="t")
    store.append([_entry(event) for event in events[: COUNT // 2]])
    activate_rules(store, rules("In other words"), T0, by="t", reason="t")
    store.append([_entry(event) for event in events[COUNT // 2 :]])
    records = store.read(EVENTS, 0, 0, 10_000)
    for end in [*sorted(cuts), len(records)]:
        worker = Worker(
            RulesProcessor(store), 0, unit=store, snapshots=store, history=store, snapshot_every=snapshot_every
        )  # fmt: skip
        batch: list[Record] = [record for record in records if worker.after < record.sequence <= end]
        worker.take(batch)
    return store


def _entry(event: Event) -> Entry:
    return Entry(EVENTS, event.country, event.id, encode_event(event), 0)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 1_000),
    cuts=st.lists(st.integers(1, COUNT), max_size=5),
    snapshot_every=st.sampled_from([1, 30, 100_000]),
)
def test_any_batching_and_restart_gives_the_same_bytes(seed: int, cuts: list[int], snapshot_every: int) -> None:
    whole = run(seed, [], 100_000)
    cut = run(seed, cuts, snapshot_every)
    assert len(alerts(whole)) > 10
    assert alerts(cut) == alerts(whole)
    assert [result.difference for result in replay_alerts(cut)] == [None]
