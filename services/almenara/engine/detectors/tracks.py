"""The counted events of many keys in order of (time, id): what detectors remember, and how they forget.

Times are whole microseconds since 1970 (UTC). What nobody can need any more is forgotten when its key is touched and,
a little with every event, for keys that fell silent; when that happens cannot be seen from outside.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from almenara.engine.detectors.windows import Windows

_SWEPT: Final = 2
"""How many keys are looked at with each event. With one, keys that come once each would pile up for ever."""

Value = str | int | float
Range = tuple[int, int]


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One counted event of one key: when, as which members (a bit each), its values, and what an alert shows of it.

    `evidence`, packed, begins with the event that keys and values were read from; of a chained signal what it stands
    on follows. `why`, packed, says why its rule held. `held` is what the detector last found: whether what it looks
    for holds at this event.
    """

    uid: str
    time: int
    end: int
    members: int = 1
    values: tuple[Value, ...] = ()
    evidence: tuple[bytes, ...] = ()
    why: bytes = b""
    held: bool = False


class TracksState(msgspec.Struct, array_like=True):
    """All that tracks remember. `lengths` has the longest interval of keys that hold one.

    What ended at or before `horizon` is forgotten; `pruned` says at which horizon a key was last looked through that
    still holds something older.
    """

    times: dict[str, list[int]] = {}
    entries: dict[str, list[Entry]] = {}
    lengths: dict[str, int] = {}
    pruned: dict[str, int] = {}
    horizon: int = 0


class Tracks:
    """Entries by key. `spared` gives the places (from, to) of a key's entries that stay however old they are."""

    def __init__(self, span: int, state: TracksState, spared: Callable[[str], Iterable[Range]]) -> None:
        self.state = state
        self.windows = Windows(span, state.times)
        self._spared = spared
        self._entries = state.entries
        self._keys: dict[str, str | tuple[str, ...]] = {}
        self._sweep: list[str] = []
        self._swept = state.horizon
        for key, entries in state.entries.items():
            for entry in entries:
                self._note(entry.uid, key)

    def add(self, key: str, entry: Entry) -> int:
        """Takes an entry in; its uid must be new to the key, and the key refreshed.

        Says how many entries its window holds when it is the latest of its key and all are moments; else 0.
        """
        if self._keys.setdefault(entry.uid, key) != key:
            self._note(entry.uid, key)
        count = self.windows.add(key, entry.time)
        entries = self._entries.get(key)
        if entries is None:
            self._entries[key] = [entry]
        elif entry.time > entries[-1].time:
            entries.append(entry)
        else:
            entries.insert(self._place(entries, entry), entry)
            count = 0
        if entry.end != entry.time:
            self.state.lengths[key] = max(self.state.lengths.get(key, 0), entry.end - entry.time)
        return 0 if key in self.state.lengths else count

    def discard(self, key: str, entry: Entry) -> None:
        """Takes an entry of the key out again."""
        entries = self._entries[key]
        del entries[self._place(entries, entry)]
        self.windows.discard(key, entry.time)
        self._forget_uid(entry.uid, key)
        if not entries:
            self._forget_key(key)

    def of(self, key: str) -> Sequence[Entry]:
        """The entries of a key in order."""
        return self._entries.get(key, ())

    def keys(self, scope: str) -> Iterator[str]:
        """Every key of a scope, in order."""
        return iter(sorted(key for key in self._entries if key.startswith(scope + "{")))

    def keys_of(self, uid: str) -> tuple[str, ...]:
        """The keys under which an event is held, in order."""
        found = self._keys.get(uid)
        if found is None:
            return ()
        return (found,) if isinstance(found, str) else found

    def find(self, key: str, uid: str) -> Entry | None:
        """The entry of an event under a key."""
        held = self._keys.get(uid)
        if held is None or (held != key and key not in self.keys_of(uid)):
            return None
        return next((entry for entry in self.of(key) if entry.uid == uid), None)

    def between(self, key: str, start: int, end: int) -> range:
        """The places of the entries of a key with start <= time < end."""
        times = self.state.times.get(key, [])
        return range(bisect_left(times, start), bisect_left(times, end))

    def longest(self, key: str) -> int:
        """The length of the longest interval of a key."""
        return self.state.lengths.get(key, 0)

    def count(self, key: str, at: int) -> int:
        """How many entries the window of the entry at this place holds."""
        return len(self.window(key, at)) if key in self.state.lengths else self.windows.count(key, at)

    def window(self, key: str, at: int) -> Sequence[Entry]:
        """The window of the entry at this place: what is not later than it and ends less than the span before it."""
        return self.ending_after(key, at, self.state.times[key][at] - self.windows.span)

    def ending_after(self, key: str, at: int, after: int) -> Sequence[Entry]:
        """The entries up to this place that end after a time, in order."""
        entries, longest = self._entries[key], self.state.lengths.get(key, 0)
        first = bisect_right(self.state.times[key], after - longest)
        found = entries[first : at + 1]
        return [entry for entry in found if entry.end > after] if longest else found

    def refresh(self, key: str) -> None:
        """Forgets what is to be forgotten of a key, before it is used, and something of silent ones."""
        if self._sweep or self._swept != self.state.horizon:
            self._forget_silent()
        times = self.state.times.get(key)
        if times is not None and times[0] <= self.state.horizon:
            self._prune(key)

    def _prune(self, key: str) -> None:
        horizon, pruned = self.state.horizon, self.state.pruned
        if pruned.get(key) == horizon:
            return
        spared = {at for first, last in self._spared(key) for at in range(max(first, 0), last)}
        kept: list[Entry] = []
        for at, entry in enumerate(self._entries[key]):
            if entry.end > horizon or at in spared:
                kept.append(entry)
            else:
                self._forget_uid(entry.uid, key)
        if not kept:
            del self.state.times[key]
            self._forget_key(key)
            return
        self._entries[key] = kept
        self.state.times[key] = [entry.time for entry in kept]
        if kept[0].time <= horizon:
            pruned[key] = horizon
        else:
            pruned.pop(key, None)

    def _forget_silent(self) -> None:
        if not self._sweep:
            self._swept = self.state.horizon
            self._sweep = list(self._entries)
        horizon, times = self.state.horizon, self.state.times
        for key in self._sweep[-_SWEPT:]:
            if key in times and times[key][0] <= horizon:
                self._prune(key)
        del self._sweep[-_SWEPT:]

    def _place(self, entries: list[Entry], entry: Entry) -> int:
        wanted = (entry.time, entry.uid)
        return bisect_left(entries, wanted, key=_place_of)

    def _note(self, uid: str, key: str) -> None:
        self._keys[uid] = tuple(sorted((*self.keys_of(uid), key)))

    def _forget_uid(self, uid: str, key: str) -> None:
        left = tuple(other for other in self.keys_of(uid) if other != key)
        if left:
            self._keys[uid] = left
        else:
            del self._keys[uid]

    def _forget_key(self, key: str) -> None:
        del self._entries[key]
        self.state.lengths.pop(key, None)
        self.state.pruned.pop(key, None)


def _place_of(entry: Entry) -> tuple[int, str]:
    return entry.time, entry.uid
