"""Several threads and processes on one database: no gap, no loss, nothing twice, no claim in two hands."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from almenara.adapters.sql.log import append
from almenara.adapters.sql.queue import take as take_in
from almenara.adapters.sql.schema import micros
from almenara.adapters.sql.store import SqlStore
from almenara.ports.log import ALERTS, EVENTS, GENESIS, Appended, Entry, chain_of, read_range
from almenara.ports.queue import Send, Settlement
from almenara.ports.store import Store
from almenara.ports.unit import Batch
from appending import append_overlapping, commit_until
from databases import fresh_database

WORKERS = 3
ROUNDS = 40
NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)


def processes() -> Executor:
    return ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn"))


def threads() -> Executor:
    return ThreadPoolExecutor(WORKERS)


def checked_ids(store: Store, stream: str) -> list[str]:
    """The ids of a whole stream, after its sequences and chains were checked."""
    found = []
    for partition in range(store.partitions):
        chain = GENESIS
        for number, record in enumerate(read_range(store, stream, partition), 1):
            assert record.sequence == number
            chain = chain_of(chain, Entry(stream, record.key, record.id, record.body), partition, number)
            assert record.chain == chain
            found.append(record.id)
        assert store.end(stream, partition) == len(list(read_range(store, stream, partition)))
    return found


@pytest.mark.parametrize("pool", [threads, processes])
def test_appenders_leave_no_gap_and_lose_nothing(database_url: str, pool: Callable[[], Executor]) -> None:
    with closing(SqlStore(database_url, 3)) as store:
        with pool() as executor:
            new = list(executor.map(partial(append_overlapping, database_url, rounds=ROUNDS), range(WORKERS)))
        ids = {stream: checked_ids(store, stream) for stream in (EVENTS, ALERTS)}
    assert sum(new) == sum(map(len, ids.values()))
    assert all(len(found) == len(set(found)) for found in ids.values())
    assert set(ids[EVENTS]) == set(ids[ALERTS])


def test_of_several_holders_one_moves_the_position_on(database_url: str) -> None:
    with closing(SqlStore(database_url, 3)) as store:
        with processes() as executor:
            list(executor.map(partial(commit_until, database_url, last=60), range(WORKERS)))
        outputs = [r.key for p in range(3) for r in read_range(store, ALERTS, p)]
        assert [lease.after for lease in store.positions()] == [60]
        checked_ids(store, ALERTS)
    assert sorted(map(int, outputs)) == list(range(1, 61))


def test_one_store_bears_several_threads(store: Store) -> None:
    def work(worker: int) -> None:
        for n in range(20):
            store.append([Entry(EVENTS, f"{n % 5}", f"{worker}-{n}", b"x"), Entry(EVENTS, "all", f"all-{n}", b"x")])
            store.read(EVENTS, n % store.partitions, 0)

    with ThreadPoolExecutor(4) as executor:
        list(executor.map(work, range(4)))
    assert sorted(checked_ids(store, EVENTS)) == sorted(
        [f"{worker}-{n}" for worker in range(4) for n in range(20)] + [f"all-{n}" for n in range(20)]
    )


def test_takers_never_share_a_thread(database_url: str) -> None:
    sends = [Send(f"s{n:02}", f"t{n % 5}", f"{n:02}", NOW, b"") for n in range(40)]
    lock, in_hand, done = threading.Lock(), set[str](), list[Send]()

    def work(worker: int) -> None:
        with closing(SqlStore(database_url)) as mine:
            while mine.pending():
                for claim in mine.take(NOW, NOW + timedelta(hours=1), 2):
                    with lock:
                        assert claim.send.thread not in in_hand
                        in_hand.add(claim.send.thread)
                    assert mine.attempt(claim, [Entry("deliveries", "", f"{claim.send.id}-{claim.attempt}", b"")])
                    with lock:
                        in_hand.remove(claim.send.thread)
                        done.append(claim.send)
                    again = Settlement(NOW) if claim.attempt == 1 and worker == 0 else Settlement()
                    assert mine.settle(claim, again, [])

    with closing(SqlStore(database_url, 3)) as store:
        store.commit(store.claim("notifier", EVENTS, 0), Batch(1, (), sends))
        with ThreadPoolExecutor(WORKERS) as executor:
            list(executor.map(work, range(WORKERS)))
        assert store.pending() == 0
        checked_ids(store, "deliveries")
    for thread in {send.thread for send in sends}:
        ranks = [send.rank for send in done if send.thread == thread]
        assert ranks == sorted(ranks)
        assert set(ranks) == {send.rank for send in sends if send.thread == thread}


def test_a_writer_that_is_killed_leaves_whole_batches(database_url: str) -> None:
    acknowledged = -1
    SqlStore(database_url, 2).close()
    for batches in (1, 3, 20):
        with subprocess.Popen(
            [sys.executable, "-c", "import appending, sys; appending.append_until_killed(sys.argv[1])", database_url],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as writer:
            assert writer.stdout is not None
            for _ in range(acknowledged + batches + 1):
                acknowledged = int(writer.stdout.readline())
            writer.kill()
        with closing(SqlStore(database_url)) as store:
            numbers = Counter(int(id_.split("-")[0]) for id_ in checked_ids(store, EVENTS))
        assert set(numbers.values()) == {7}
        assert sorted(numbers) == list(range(len(numbers)))
        assert len(numbers) > acknowledged


def test_a_repeat_that_another_partition_is_just_taking_is_dropped(database_url: str) -> None:
    with closing(SqlStore(database_url, 2)) as first, closing(SqlStore(database_url)) as second:
        with ThreadPoolExecutor(1) as executor:
            with first._database.writing() as connection:
                append(connection, [Entry(EVENTS, "", "same", b"", 0), Entry(EVENTS, "", "a", b"", 0)], 2)
                meanwhile = executor.submit(
                    second.append, [Entry(EVENTS, "", "b", b"", 1), Entry(EVENTS, "", "same", b"", 1)]
                )
                time.sleep(0.3)  # lets it run into the uncommitted row; the outcome is the same if it comes later
            assert meanwhile.result() == Appended(1, ("same",))
        assert checked_ids(first, EVENTS) == ["same", "a", "b"]


@pytest.mark.servers
def test_a_taker_waits_for_what_another_one_is_just_taking(postgres_template: tuple[str, str]) -> None:
    """A send of lower rank that came in between must not be handed out beside the one in the other's hands."""
    high, low = (Send(f"s{rank}", "t", rank, NOW, b"") for rank in "21")
    with (
        fresh_database(*postgres_template) as url,
        closing(SqlStore(url, 2)) as first,
        closing(SqlStore(url)) as second,
        ThreadPoolExecutor(1) as executor,
    ):
        lease = first.commit(first.claim("notifier", EVENTS, 0), Batch(1, (), [high]))
        with first._database.writing() as connection:
            assert [claim.send for claim in take_in(connection, micros(NOW), micros(NOW), 5)] == [high]
            second.commit(lease, Batch(2, (), [low]))
            meanwhile = executor.submit(second.take, NOW, NOW, 5)
            time.sleep(0.3)
        assert meanwhile.result() == []
