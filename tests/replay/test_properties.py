"""Properties of the fold: batches, restarts, snapshots and repeats change nothing, to the byte."""

import functools
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from almenara.adapters.memory import MemoryStore
from almenara.app.embedded import Embedded
from almenara.app.replay import replay_alerts, verify_log
from almenara.app.worker import Worker
from almenara.ports.log import ALERTS, EVENTS, NOTICES
from almenara.rules.service import RulesProcessor
from case_run import PARTITIONS, activate, bodies, case_entries, processors, run_embedded

FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ENTRIES = case_entries(PARTITIONS, 12)
OUTPUTS = (ALERTS, NOTICES)


@functools.cache
def reference() -> dict[str, list[tuple[str, str, bytes]]]:
    store = MemoryStore(PARTITIONS)
    run_embedded(store, ENTRIES)
    found = bodies(store, *OUTPUTS)
    assert len(found[ALERTS]) > 25
    return found


@FEW
@given(batch=st.integers(1, 700), cuts=st.lists(st.integers(1, len(ENTRIES)), max_size=5))
def test_any_batching_gives_the_same_bytes(batch: int, cuts: list[int]) -> None:
    store = MemoryStore(PARTITIONS)
    activate(store)
    embedded = Embedded(store, processors(store), batch=batch)
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(ENTRIES)], strict=True):
        store.append(list(ENTRIES[start:end]))
        embedded.pump()
    # Notices of one subscriber come from several partitions; their order among each other follows the appends.
    assert bodies(store, ALERTS) == {ALERTS: reference()[ALERTS]}
    assert {(i, b) for _, i, b in bodies(store, NOTICES)[NOTICES]} == {(i, b) for _, i, b in reference()[NOTICES]}


@FEW
@given(
    cuts=st.lists(st.integers(1, len(ENTRIES)), min_size=1, max_size=6),
    snapshot_every=st.sampled_from([1, 50, 1_000_000]),
)
def test_any_restart_point_gives_the_same_bytes(cuts: list[int], snapshot_every: int) -> None:
    store = MemoryStore(PARTITIONS)
    activate(store)
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(ENTRIES)], strict=True):
        store.append(list(ENTRIES[start:end]))
        # A new set of workers each time: whatever the old ones remembered is gone.
        Embedded(store, processors(store), batch=100, snapshot_every=snapshot_every).pump()
    assert bodies(store, ALERTS) == {ALERTS: reference()[ALERTS]}


@FEW
@given(repeats=st.lists(st.integers(0, len(ENTRIES) - 1), max_size=200))
def test_an_entry_that_comes_again_is_dropped(repeats: list[int]) -> None:
    store = MemoryStore(PARTITIONS)
    activate(store)
    store.append(list(ENTRIES))
    for place in repeats:
        assert store.append([ENTRIES[place]]).new == 0
    Embedded(store, processors(store)).pump()
    assert bodies(store, ALERTS) == {ALERTS: reference()[ALERTS]}


@FEW
@given(chance=st.randoms(use_true_random=False))
def test_records_published_twice_are_taken_once(chance: random.Random) -> None:
    store = MemoryStore(PARTITIONS)
    activate(store)
    store.append(list(ENTRIES))
    for partition in range(PARTITIONS):
        worker = Worker(RulesProcessor(store), partition, unit=store, snapshots=store, history=store)
        records = store.read(EVENTS, partition, 0, 1_000_000)
        while worker.after < len(records):
            back = chance.randint(0, min(30, worker.after))
            size = chance.randint(200, 2_000)
            batch = records[worker.after - back : worker.after + size]
            worker.take([record for record in batch for _ in range(1 + (record.sequence % 7 == 0))])
    assert bodies(store, ALERTS) == {ALERTS: reference()[ALERTS]}


def test_replay_is_identical_and_the_chain_holds() -> None:
    store = MemoryStore(PARTITIONS)
    run_embedded(store, ENTRIES)
    results = replay_alerts(store)
    assert [result.difference for result in results] == [None] * PARTITIONS
    assert sum(result.compared for result in results) == len(reference()[ALERTS])
    assert verify_log(store).fault == ""
