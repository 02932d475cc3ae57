"""Writers that run in processes of their own, for tests of what several of them do to one database at once."""

import itertools
import random

from almenara.adapters.sql.store import SqlStore
from almenara.domain.errors import Fenced
from almenara.ports.log import EVENTS, Entry
from almenara.ports.unit import Batch


def append_overlapping(url: str, seed: int, rounds: int) -> int:
    """Appends batches of ids that other writers append too, even to other partitions. Returns how many were new."""
    choose = random.Random(seed)
    store = SqlStore(url)
    new = 0
    for _ in range(rounds):
        numbers = [choose.randrange(rounds * 4) for _ in range(choose.randrange(1, 12))]
        streams = [EVENTS, "alerts"]
        choose.shuffle(streams)
        new += store.append(
            [
                Entry(stream, "", f"id-{n}", b"x", choose.randrange(store.partitions))
                for stream in streams
                for n in numbers
            ]
        ).new
    store.close()
    return new


def commit_until(url: str, worker: int, last: int) -> int:
    """Claims the one position over and over and moves it on by one with an output each, up to `last`.

    Returns how many commits were fenced off.
    """
    store = SqlStore(url)
    fenced = 0
    choose = random.Random(worker)
    lease = store.claim("rules", EVENTS, 0)
    while lease.after < last:
        try:
            output = Entry("alerts", str(lease.after + 1), f"{worker}-{lease.epoch}-{lease.after + 1}", b"")
            lease = store.commit(lease, Batch(lease.after + 1, [output]))
        except Fenced:
            fenced += 1
            lease = store.claim("rules", EVENTS, 0)
        if choose.random() < 0.05:
            lease = store.claim("rules", EVENTS, 0)
    store.close()
    return fenced


def append_until_killed(url: str) -> None:
    """Appends batches of seven to two partitions for ever; prints the number of each batch that was taken."""
    store = SqlStore(url)
    for number in itertools.count():
        store.append([Entry(EVENTS, "", f"{number}-{n}", b"x" * 300, n % 2) for n in range(7)])
        print(number, flush=True)
