"""The unit of work: epochs fence, a commit is whole or nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from almenara.domain.errors import Fenced, Rejected
from almenara.ports.log import ALERTS, EVENTS, NOTICES, Entry
from almenara.ports.queue import Send
from almenara.ports.state import Snapshot
from almenara.ports.store import Store
from almenara.ports.unit import Batch, Lease

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
SNAPSHOT = Snapshot("rules", EVENTS, 0, 5, "1", b"state")
SEND = Send("send-1", "thread", "1", NOW, b"hello")


def out(id_: str, stream: str = ALERTS, partition: int = 1) -> Entry:
    return Entry(stream, "PE", id_, b"out", partition)


def nothing_was_written(store: Store, lease: Lease) -> bool:
    return (
        store.end(ALERTS, 1) == store.end(NOTICES, 1) == store.pending() == 0
        and store.load("rules", EVENTS, 0, "1") is None
        and store.positions() == [lease]
    )


def test_a_first_claim_starts_at_the_beginning(store: Store) -> None:
    assert store.claim("rules", EVENTS, 3) == Lease("rules", EVENTS, 3, after=0, epoch=1)


def test_each_claim_raises_the_epoch_and_keeps_the_position(store: Store) -> None:
    lease = store.commit(store.claim("rules", EVENTS, 0), Batch(7))
    assert lease == Lease("rules", EVENTS, 0, after=7, epoch=1)
    assert store.claim("rules", EVENTS, 0) == Lease("rules", EVENTS, 0, after=7, epoch=2)


def test_positions_are_listed_in_order(store: Store) -> None:
    places = [("rules", EVENTS, 1), ("notifier", ALERTS, 0), ("rules", EVENTS, 0), ("relay:events", EVENTS, 0)]
    for place in places:
        store.claim(*place)
    assert store.positions() == [Lease(*place, 0, 1) for place in sorted(places)]


def test_a_commit_writes_everything(store: Store) -> None:
    lease = store.claim("rules", EVENTS, 0)
    lease = store.commit(lease, Batch(5, [out("a"), out("n", NOTICES), out("b"), out("a")], [SEND, SEND], SNAPSHOT))
    assert [record.id for record in store.read(ALERTS, 1, 0)] == ["a", "b"]
    assert [record.id for record in store.read(NOTICES, 1, 0)] == ["n"]
    assert store.pending() == 1
    assert store.load("rules", EVENTS, 0, "1") == SNAPSHOT
    assert store.positions() == [lease] == [Lease("rules", EVENTS, 0, 5, 1)]


def test_what_was_written_before_is_dropped(store: Store) -> None:
    store.append([out("a")])
    lease = store.commit(store.claim("rules", EVENTS, 0), Batch(5, [out("a"), out("b")], [SEND]))
    store.commit(lease, Batch(6, [out("b"), out("c")], [SEND]))
    assert [record.id for record in store.read(ALERTS, 1, 0)] == ["a", "b", "c"]
    assert store.pending() == 1


def test_an_older_holder_is_fenced_off_and_writes_nothing(store: Store) -> None:
    sleeper = store.claim("rules", EVENTS, 0)
    holder = store.claim("rules", EVENTS, 0)
    with pytest.raises(Fenced, match="rules on events/0: epoch 1 is over"):
        store.commit(sleeper, Batch(5, [out("a")], [SEND], SNAPSHOT))
    assert nothing_was_written(store, holder)
    assert store.commit(holder, Batch(1)).after == 1


def test_a_position_that_was_never_claimed_is_fenced_off(store: Store) -> None:
    with pytest.raises(Fenced):
        store.commit(Lease("rules", EVENTS, 0, 0, 1), Batch(1))
    assert store.positions() == []


class FailsMidway(list[Send]):
    """A batch's sends, of which the second cannot be had."""

    def __iter__(self) -> Iterator[Send]:
        yield SEND
        self.fail()

    def fail(self) -> NoReturn:
        raise ZeroDivisionError


def test_a_commit_that_fails_midway_leaves_nothing(store: Store) -> None:
    lease = store.claim("rules", EVENTS, 0)
    with pytest.raises(ZeroDivisionError):
        store.commit(lease, Batch(5, [out("a")], FailsMidway([SEND, SEND]), SNAPSHOT))
    assert nothing_was_written(store, lease)
    store.commit(lease, Batch(5, [out("a")], [SEND], SNAPSHOT))
    assert [record.sequence for record in store.read(ALERTS, 1, 0)] == [1]


def test_a_commit_with_an_output_that_cannot_be_stored_leaves_nothing(store: Store) -> None:
    lease = store.claim("rules", EVENTS, 0)
    with pytest.raises(Rejected):
        store.commit(lease, Batch(5, [out("n", NOTICES), out("a"), out("nul\0")], [SEND], SNAPSHOT))
    assert nothing_was_written(store, lease)
