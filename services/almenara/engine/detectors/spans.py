"""Spans of event time under a key, found by what they overlap without looking at the others."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Hashable, Iterator, Sequence
from operator import attrgetter
from typing import Final, Generic, Protocol, TypeVar

_START: Final = attrgetter("start")
PLACE: Final = attrgetter("start", "id")


class Span(Protocol):
    """From `start` to `last`, both included, in microseconds."""

    @property
    def start(self) -> int: ...

    @property
    def last(self) -> int: ...

    @property
    def id(self) -> str: ...


K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Span)


class Spans(Generic[K, T]):
    """The spans of each key, in order of (start, id). Most keys hold one; it stands without a list around it."""

    __slots__ = ("_held", "_longest")

    def __init__(self) -> None:
        self._held: dict[K, T | list[T]] = {}
        self._longest = 0  # no span held is longer; how far back an overlap may begin

    def add(self, key: K, span: T) -> None:
        """Holds one more span."""
        length = span.last - span.start
        if length > self._longest:
            self._longest = length
        held = self._held.setdefault(key, span)
        if held is span:
            return
        if not isinstance(held, list):
            held = self._held[key] = [held]
        if held[-1].start < span.start:
            held.append(span)
        else:
            insort(held, span, key=PLACE)

    def remove(self, key: K, span: T) -> None:
        """Lets go of a span that is held under the key."""
        held = self._held[key]
        if not isinstance(held, list):
            del self._held[key]
            return
        place = bisect_left(held, PLACE(span), key=PLACE)
        while held[place] is not span:
            place += 1
        del held[place]
        if len(held) == 1:
            self._held[key] = held[0]

    def of(self, key: K) -> Sequence[T]:
        """All spans of the key."""
        held = self._held.get(key)
        if held is None:
            return ()
        return held if isinstance(held, list) else (held,)

    def over(self, key: K, start: int, last: int) -> Sequence[T]:
        """The spans of the key that overlap this one, touching ends included, in order."""
        held = self._held.get(key)
        if held is None:
            return ()
        if not isinstance(held, list):
            return (held,) if held.start <= last and held.last >= start else ()
        low = bisect_left(held, start - self._longest, key=_START)
        high = bisect_right(held, last, lo=low, key=_START)
        return [span for span in held[low:high] if span.last >= start]

    def before(self, key: K, moment: int) -> Iterator[T]:
        """The spans of the key that start before the moment, the nearest first."""
        held = self.of(key)
        return map(held.__getitem__, range(bisect_left(held, moment, key=_START) - 1, -1, -1))

    def after(self, key: K, moment: int) -> Iterator[T]:
        """The spans of the key that start at the moment or later, the nearest first."""
        held = self.of(key)
        return map(held.__getitem__, range(bisect_left(held, moment, key=_START), len(held)))
