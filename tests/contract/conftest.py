"""The stores and the logs that the contract suites run against.

A further log joins by a function in `LOGS`: the suite `test_log.py` needs a writer, a reader and
a `flush` that returns when all that was written can be read.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from almenara.adapters.kafka.publisher import KafkaPublisher
from almenara.adapters.kafka.reader import KafkaLogReader
from almenara.adapters.kafka.relay import Relay
from almenara.adapters.kafka.topics import Topics
from almenara.adapters.memory import MemoryStore
from almenara.adapters.sql.migrate import upgrade
from almenara.adapters.sql.store import SqlStore, open_sqlite
from almenara.ports.log import STREAMS, LogReader, LogWriter
from almenara.ports.store import Store
from databases import fresh_database

PARTITIONS = 4


@dataclass(frozen=True)
class Log:
    """A log under test."""

    writer: LogWriter
    reader: LogReader
    flush: Callable[[], None]


@dataclass(frozen=True)
class Place:
    """Where a store may be opened: a folder of its own, and a PostgreSQL when it is asked for."""

    request: pytest.FixtureRequest
    folder: Path


@contextlib.contextmanager
def memory_store(place: Place) -> Iterator[Store]:
    yield MemoryStore(PARTITIONS)


@contextlib.contextmanager
def sqlite_store(place: Place) -> Iterator[Store]:
    with contextlib.closing(open_sqlite(place.folder / "almenara.db", PARTITIONS)) as store:
        yield store


@contextlib.contextmanager
def postgres_store(place: Place) -> Iterator[Store]:
    server, template = place.request.getfixturevalue("postgres_template")
    with fresh_database(server, template) as url, contextlib.closing(SqlStore(url, PARTITIONS)) as store:
        yield store


STORES: dict[str, Callable[[Place], AbstractContextManager[Store]]] = {
    "memory": memory_store,
    "sqlite": sqlite_store,
    "postgres": postgres_store,
}


def _log_of(make: Callable[[Place], AbstractContextManager[Store]]) -> Callable[[Place], AbstractContextManager[Log]]:
    @contextlib.contextmanager
    def log(place: Place) -> Iterator[Log]:
        with make(place) as store:
            yield Log(store, store, lambda: None)

    return log


@contextlib.contextmanager
def kafka_log(place: Place) -> Iterator[Log]:
    """Written to an outbox, relayed, and read from the broker."""
    bootstrap = place.request.getfixturevalue("kafka_bootstrap")
    prefix = f"t{uuid.uuid4().hex[:8]}."
    outbox = MemoryStore(PARTITIONS)
    with Topics(bootstrap, prefix=prefix) as topics, asyncio.Runner() as runner:
        topics.create(PARTITIONS)
        publisher = KafkaPublisher(bootstrap, prefix=prefix)
        relays = [Relay(name, outbox=outbox, unit=outbox, publish=publisher.publish) for name in STREAMS]

        async def relay() -> None:
            for one in relays:
                while await one.step():
                    pass

        with contextlib.closing(KafkaLogReader(bootstrap, prefix=prefix)) as reader:
            yield Log(outbox, reader, lambda: runner.run(relay()))
        runner.run(publisher.stop())
        topics.delete()


LOGS: dict[str, Callable[[Place], AbstractContextManager[Log]]] = {
    **{name: _log_of(make) for name, make in STORES.items()},
    "kafka": kafka_log,
}

SERVERS = {"postgres", "kafka"}


def _parameters(names: dict[str, object]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.servers if name in SERVERS else ()) for name in names]


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[tuple[str, str]]:
    """The server, and the name of a migrated database that new ones are copied from."""
    with fresh_database(postgres_url) as url:
        upgrade(url)
        yield postgres_url, make_url(url).database or ""


@pytest.fixture(params=_parameters({**STORES}))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of four partitions, over each technology in turn."""
    with STORES[request.param](Place(request, tmp_path)) as made:
        yield made


@pytest.fixture(params=_parameters({**LOGS}))
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    """An empty log of four partitions, over each technology in turn."""
    with LOGS[request.param](Place(request, tmp_path)) as made:
        yield made


@pytest.fixture(params=[name for name in _parameters({**STORES}) if name.values != ("memory",)])  # type: ignore[attr-defined]
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, migrated database, for tests that open it more than once or from several processes."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'almenara.db'}"
        upgrade(url)
        yield url
    else:
        server, template = request.getfixturevalue("postgres_template")
        with fresh_database(server, template) as url:
            yield url


@pytest.fixture
def all_stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Store]]:
    """One empty store of each technology, to be compared."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(make(Place(request, tmp_path))) for name, make in STORES.items()}
