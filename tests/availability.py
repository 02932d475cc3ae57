"""What a test does when a server that it needs is not there: skips and says why, or fails where nothing may skip.

Knows no server; each module that starts one raises `Missing`.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NoReturn, TypeVar

import pytest

T = TypeVar("T")

REQUIRE = "ALMENARA_REQUIRE_SERVERS"


class Missing(Exception):
    """A server cannot be started on this machine; the message says what is missing."""


def required() -> bool:
    """Whether a missing server must fail the run (in CI) instead of skipping the tests that need it."""
    return os.environ.get(REQUIRE, "") not in ("", "0")


def unavailable(reason: Missing | str) -> NoReturn:
    """Skips the test, or fails it where servers are required."""
    if required():
        pytest.fail(f"{reason} ({REQUIRE} is set, so this may not be skipped)", pytrace=False)
    pytest.skip(str(reason))


@contextmanager
def started(server: AbstractContextManager[T]) -> Iterator[T]:
    """A server while it runs. One that is missing skips the test with its reason, or fails it."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(server)
        except Missing as reason:
            unavailable(reason)
        yield running
