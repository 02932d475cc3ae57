"""The circuit breaker of a destination: after failures in a row it is left alone for a while, then tried once. Pure.

Knows nothing of what a destination is. What is put off is never dropped: it waits until the circuit lets it through.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

OPEN_AFTER: Final = 3
"""Failures in a row that open a circuit."""

FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 900.0


class CircuitState(StrEnum):
    """Closed: all goes through. Open: nothing is tried. Half-open: one attempt is, and decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What one attempt says of its destination. `wait_s` (seconds) is the wait that it asked for, 0 for none.

    `error` is safe to record: it holds no address, token or URL.
    """

    at: datetime
    up: bool
    error: str = ""
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Where a destination stands. `since` is when it opened or closed, `until` None while it is closed.

    `error` is the last one, kept when the circuit closes.
    """

    destination: str
    failures: int = 0
    since: datetime | None = None
    until: datetime | None = None
    error: str = ""

    def state(self, now: datetime) -> CircuitState:
        """How it is at a time."""
        if self.until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if now < self.until else CircuitState.HALF_OPEN


def evolve(circuit: Circuit, sign: Sign) -> Circuit:
    """The circuit after an attempt; the very same one when nothing changed."""
    if sign.wait_s > 0:
        return _opened(circuit, sign, sign.wait_s)
    if sign.up:
        well = not circuit.failures and circuit.until is None
        # what was on its way when it opened tells nothing new, and shortens no wait that was asked for
        return circuit if well or circuit.state(sign.at) == CircuitState.OPEN else _closed(circuit, sign)
    circuit = replace(circuit, failures=circuit.failures + 1, error=sign.error)
    if circuit.failures < OPEN_AFTER:
        return circuit
    return _opened(circuit, sign, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(circuit.failures - OPEN_AFTER, 16)))


def _closed(circuit: Circuit, sign: Sign) -> Circuit:
    since = circuit.since if circuit.until is None else sign.at
    return replace(circuit, failures=0, until=None, since=since)


def _opened(circuit: Circuit, sign: Sign, wait_s: float) -> Circuit:
    until = sign.at + timedelta(seconds=wait_s)
    since = sign.at if circuit.until is None else circuit.since
    return replace(circuit, since=since, until=max(until, circuit.until or until), error=sign.error)
