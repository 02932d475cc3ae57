"""The worker: a record that cannot be taken leaves no trace, whenever it is met; restarts go on where it stood."""

import pytest

from almenara.adapters.memory import MemoryStore
from almenara.app.embedded import Embedded
from almenara.app.replay import replay_alerts
from almenara.app.worker import Worker
from almenara.domain.errors import Fenced, Gap
from almenara.ports.log import ALERTS, EVENTS, REJECTED
from almenara.rules.service import RulesProcessor
from made_up_life import BEYOND, activate, changes, checked, event, log, meeting, tick, withdrawn

POISON = event(
    "event.corrected",
    "p",
    60,
    of="a",
    event={"type": "meeting.held", "time": BEYOND[1], "data": {"k": "x", "who": "y"}},
)


def worker(store: MemoryStore, *, snapshot_every: int = 1_000) -> Worker:
    return Worker(
        RulesProcessor(store), 0, unit=store, snapshots=store, history=store, snapshot_every=snapshot_every
    )  # fmt: skip


@pytest.mark.parametrize("snapshot_every", [1, 2, 1_000])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_record_on_which_the_fold_fails_half_way_leaves_no_trace(snapshot_every: int, restarted: bool) -> None:
    store = MemoryStore(1)
    activate(store, checked(coverage="[]"))
    one = worker(store, snapshot_every=snapshot_every)
    log(store, meeting("a", 0), tick(50), POISON)
    one.take(store.read(EVENTS, 0, one.after))
    assert store.end(REJECTED, 0) == 1
    if restarted:
        one = worker(store, snapshot_every=snapshot_every)
    # The failed correction took the meeting out before it failed; had that stayed, nobody would hear of this.
    log(store, withdrawn("a", 70))
    one.take(store.read(EVENTS, 0, one.after))
    assert [str(c.change) for c in changes(store)] == ["raised", "retracted"]
    (replayed,) = replay_alerts(store)
    assert (replayed.difference, replayed.changes) == (None, 2)


def test_a_gap_writes_nothing() -> None:
    store = MemoryStore(1)
    activate(store, checked(coverage="[]"))
    log(store, meeting("a", 0), tick(50))
    one = worker(store)
    with pytest.raises(Gap):
        one.take(store.read(EVENTS, 0, 1))
    assert (store.end(ALERTS, 0), one.after) == (0, 0)


def test_whoever_lost_the_partition_writes_nothing() -> None:
    store = MemoryStore(1)
    activate(store, checked(coverage="[]"))
    log(store, meeting("a", 0), tick(50))
    sleeper = worker(store)
    Embedded(store, [RulesProcessor(store)]).pump()
    with pytest.raises(Fenced):
        sleeper.take(store.read(EVENTS, 0, 0))
    assert [str(one.change) for one in changes(store)] == ["raised"]
