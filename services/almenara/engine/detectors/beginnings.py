"""Since when a rule has seen signals: what says nothing until it has a history asks here. Times are microseconds."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

_KEPT: Final = 100
"""How many of the earliest signals are remembered, for when the first ones are withdrawn."""
_NEVER: Final = 1 << 62

Signals = Iterable[tuple[int, str]]


class Firsts(msgspec.Struct, array_like=True):
    """The earliest signals of one scope, (time, id) in order; `more` where there have been others after them."""

    signals: list[tuple[int, str]] = []
    more: bool = False


class Beginnings:
    """The first signal of each scope; `quiet` is how long after it nothing is said.

    `remembered` gives the signals of a scope that are still known, for when all the earliest ones are withdrawn.
    """

    def __init__(self, firsts: dict[str, Firsts], quiet: int, remembered: Callable[[str], Signals]) -> None:
        self._firsts = firsts
        self._quiet = quiet
        self._remembered = remembered

    def loud_from(self, scope: str) -> int:
        """When the quiet time of the scope ends."""
        firsts = self._firsts.get(scope)
        return firsts.signals[0][0] + self._quiet if firsts else _NEVER

    def add(self, scope: str, time: int, uid: str) -> None:
        """Notes a signal."""
        firsts = self._firsts.setdefault(scope, Firsts())
        signal, known = (time, uid), firsts.signals
        if firsts.more and signal > known[-1]:
            return
        place = bisect_left(known, signal)
        if known[place : place + 1] != [signal]:
            insort(known, signal)
        if len(known) > _KEPT:
            firsts.more = True
            del known[_KEPT:]

    def remove(self, scope: str, time: int, uid: str) -> None:
        """Takes out a signal that is no more, and is remembered no more."""
        firsts = self._firsts.get(scope)
        if firsts is None or (time, uid) not in firsts.signals:
            return
        firsts.signals.remove((time, uid))
        if not firsts.signals:
            del self._firsts[scope]
            for signal in sorted(self._remembered(scope)) if firsts.more else ():
                self.add(scope, *signal)
