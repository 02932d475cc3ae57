"""No network: while it holds, any attempt of this process to connect anywhere fails. Replays run under it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from almenara.domain.errors import Refused

_FORBIDDEN: Final = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "smtplib.connect", "urllib.Request")


class _Gate:
    def __init__(self) -> None:
        self.shut = False
        self.hooked = False


_gate = _Gate()


@contextmanager
def no_network() -> Iterator[None]:
    """Inside, connecting raises Refused. An audit hook of the interpreter holds it, below every library."""
    if not _gate.hooked:
        sys.addaudithook(_guard)
        _gate.hooked = True
    _gate.shut = True
    try:
        yield
    finally:
        _gate.shut = False


def _guard(event: str, args: tuple[Any, ...]) -> None:
    if _gate.shut and event in _FORBIDDEN:
        raise Refused(f"the network is off during a replay ({event})")
