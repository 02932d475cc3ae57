"""Signals that wait for their grace to pass, so that those of one grace are taken in the order of their own time."""

import heapq
from collections.abc import Iterator

import msgspec

from almenara.engine.detectors.tracks import Entry


class Counted(msgspec.Struct, array_like=True, gc=False):
    """A signal as a detector counts it: its entry, its keys, when it became known, when it is due.

    `again` marks a chained detection that has changed since it was first said.
    """

    entry: Entry
    keys: tuple[str, ...]
    recorded: int
    due: int
    again: bool = False


class WaitingState(msgspec.Struct, array_like=True):
    """What waits, by the id of its event; `taken` is the clock up to which all that was due has been taken."""

    counted: dict[str, list[Counted]] = {}
    taken: int = 0


class Waiting:
    """What waits, in order of (due, time, id)."""

    def __init__(self, state: WaitingState) -> None:
        self.state = state
        self._heap = [(one.due, one.entry.time, uid) for uid, waiting in state.counted.items() for one in waiting]
        heapq.heapify(self._heap)

    def add(self, counted: Counted) -> None:
        """Lets a signal wait; a chained one takes the place, and the deadline, of what it said before."""
        uid = counted.entry.uid
        waiting = self.state.counted.setdefault(uid, [])
        if counted.again:
            for before in waiting:
                counted.due, counted.again = before.due, before.again
            waiting.clear()
        waiting.append(counted)
        heapq.heappush(self._heap, (counted.due, counted.entry.time, uid))

    def due(self, clock: int) -> Iterator[Counted]:
        """Everything whose grace has passed, in order; it waits no longer."""
        while self._heap and self._heap[0][0] <= clock:
            due, time, uid = heapq.heappop(self._heap)
            waiting = self.state.counted.get(uid, [])
            for one in [one for one in waiting if (one.due, one.entry.time) == (due, time)]:
                waiting.remove(one)
                if not waiting:
                    del self.state.counted[uid]
                yield one

    def remove(self, uid: str) -> list[Counted]:
        """Takes out what waits for an event."""
        return self.state.counted.pop(uid, [])

    def holds(self, uid: str) -> bool:
        """Whether something of the event waits."""
        return uid in self.state.counted

    def all(self) -> list[tuple[str, Counted]]:
        """Everything that waits, in the order in which it will be taken."""
        found = [(uid, one) for uid, waiting in self.state.counted.items() for one in waiting]
        return sorted(found, key=lambda f: (f[1].due, f[1].entry.time, f[0]))
