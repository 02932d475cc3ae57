"""Work spread over processes: each task's result once, no way out by the network, and troubles come back."""

import socket
from collections.abc import Callable
from contextlib import closing

import pytest

from almenara.adapters.memory import MemoryStore
from almenara.app.loops import listening
from almenara.app.spread import Progress, Source, spread
from almenara.domain.errors import Refused
from almenara.ports.store import Store


def small_store() -> Store:
    """A store of one partition, for whoever opens the record."""
    return MemoryStore(1)


def connecting(store: Store) -> Callable[[int, Progress], str]:
    """What tells how connecting to a port of this machine went."""
    assert store.partitions == 1

    def connect(port: int, progress: Progress) -> str:
        progress(2)
        with closing(socket.socket()) as client:
            try:
                client.connect(("127.0.0.1", port))
            except Refused as refused:
                return str(refused)
        return "connected"

    return connect


def failing(_: Store) -> Callable[[int, Progress], None]:
    """What refuses every task."""

    def refuse(task: int, _: Progress) -> None:
        raise Refused(f"not {task}")

    return refuse


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_offline_reaches_nothing_in_any_process(jobs: int) -> None:
    with listening("127.0.0.1:0") as server:
        server.listen()
        port: int = server.getsockname()[1]
        told: list[int] = []
        found = dict(spread(Source(small_store), connecting, [port], jobs=jobs, progress=told.append))
        assert found == {port: "connected"}
        assert sum(told) == 2
        shut = dict(spread(Source(small_store, offline=True), connecting, [port], jobs=jobs, progress=told.append))
        assert "network is off" in shut[port]


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_task_raises_comes_back(jobs: int) -> None:
    with pytest.raises(Refused, match="not 7"):
        list(spread(Source(small_store), failing, [7, 7], jobs=jobs, progress=lambda _: None))
