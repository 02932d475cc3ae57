"""What is due when: adding costs the same however many wait, and what is due comes out in order.

Items lie unsorted in slots of equal width, as in a calendar; a slot is put in order when its time has come. Nothing is
taken out before: whoever takes an item says whether it still matters, so calling one off costs nothing here.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any, Generic, Protocol, TypeVar


class Due(Protocol):
    """Something with a time. Items compare by it first; it stays as it is while they wait."""

    due: int

    def __lt__(self, other: Any, /) -> bool: ...


T = TypeVar("T", bound=Due)


class Deadlines(Generic[T]):
    """Items by their `due`. `width` is that of a slot, in the same unit: a small part of the usual wait."""

    __slots__ = ("_added", "_coming", "_edge", "_near", "_slots", "_width")

    def __init__(self, width: int) -> None:
        self._width = max(1, width)
        self._slots: dict[int, list[T]] = {}
        self._coming: list[int] = []  # the numbers of the slots, a heap
        self._near: list[T] = []  # the slot that was put in order and is not used up yet, its first item last
        self._added: list[T] = []  # what came for that slot or an earlier one since, a heap
        self._edge: float = float("-inf")  # where the slots begin: what is due before it goes into _added

    def add(self, item: T) -> None:
        """Lets the item wait."""
        due = item.due
        if due < self._edge:
            heappush(self._added, item)
            return
        number = due // self._width
        slot = self._slots.get(number)
        if slot is None:
            self._slots[number] = [item]
            heappush(self._coming, number)
        else:
            slot.append(item)

    def until(self, clock: int) -> Iterator[T]:
        """Takes what is due by the clock, in order; what is added meanwhile comes in its place."""
        added = self._added
        while True:
            near = self._near
            if added and (not near or added[0] < near[-1]):
                if added[0].due > clock:
                    return
                yield heappop(added)
            elif near:
                if near[-1].due > clock:
                    return
                yield near.pop()
            elif self._coming and self._coming[0] * self._width <= clock:
                number = heappop(self._coming)
                self._edge = (number + 1) * self._width
                self._near = self._slots.pop(number)
                self._near.sort(reverse=True)
            else:
                return
