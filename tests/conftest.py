"""Fixtures that every test may use: the real servers, each started once for the whole run.

A server that cannot be started here makes its tests skip with the reason, or fail when ALMENARA_REQUIRE_SERVERS is set.
"""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from availability import started
from kafka_server import running_kafka
from servers import postgres

# nothing is tested by how long it takes: a machine may be busy
settings.register_profile("almenara", deadline=None)
settings.load_profile("almenara")


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """The address of a real, empty broker; each test makes topics of its own (a prefix), for all share it."""
    with started(running_kafka()) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL's empty database `postgres`; tests make databases of their own beside it."""
    with started(postgres()) as url:
        yield url
