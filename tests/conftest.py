"""Fixtures that every test may use: the real servers, each started once for the whole run.

A server that cannot be started here makes its tests skip with the reason, or fail when ALMENARA_REQUIRE_SERVERS is set.
"""

import contextlib
from collections.abc import Iterator

import pytest

from availability import Missing, unavailable
from kafka_server import running_kafka
from servers import postgres


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """The address of a real, empty broker; each test makes topics of its own (a prefix), for all share it."""
    with contextlib.ExitStack() as stack:
        try:
            bootstrap = stack.enter_context(running_kafka())
        except Missing as reason:
            unavailable(reason)
        yield bootstrap


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL's empty database `postgres`; tests make databases of their own beside it."""
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(postgres())
        except Missing as reason:
            unavailable(reason)
        yield url
