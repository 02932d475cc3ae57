"""What an absence remembers: each A and each B, under each of its keys, with its evidence as bytes.

An alert shows whole events; most of those that wait are never shown, so they are decoded when something is said.
"""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from almenara.domain.alert import Evidence, Matched
from almenara.domain.event import Event
from almenara.engine.detectors.keys import Key


class Status(StrEnum):
    """Where one A stands; a B is an entry. `GONE`: taken out, and still in the queue."""

    PENDING = "pending"
    RAISED = "raised"
    UNCHECKED = "unchecked"
    MET = "met"
    CLOSED = "closed"
    ENTRY = "entry"
    GONE = "gone"


class Kept(msgspec.Struct, array_like=True, gc=False, order=True):
    """One A or one B under one key. Times are microseconds since 1970. The first fields decide what is due first.

    `due` is when it is looked at next: an A at its deadline, and when it `ends` to be forgotten. `start` .. `last` is
    the window of an A, both ends included, and the span of a B. `nth` counts the keys of one event. `known` is when an
    A first became known. `waits_for` is the source that an A which could not be checked waits for. `others` are those
    of the same event, if it has more keys or is both A and B: held by the first of them.
    """

    due: int
    ends: bool
    start: int
    id: str
    nth: int
    status: Status
    last: int
    known: int
    key: Key
    country: str
    evidence: bytes
    waits_for: str = ""
    others: tuple["Kept", ...] = ()


class Shown(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What an alert shows of an A or a B: its events (of a chained one those behind it) and why the rule held."""

    events: tuple[Event, ...]
    matched: tuple[Matched, ...] = ()

    @property
    def event(self) -> Event:
        """The last event: the only one, but for chained rules."""
        return self.events[-1]


class AbsenceState(msgspec.Struct, tag="absence"):
    """All that the detector of an absence remembers, by event id; it is its snapshot."""

    kept: dict[str, Kept] = {}

    def of(self, event_id: str) -> tuple[Kept, ...]:
        """All that is kept of an event."""
        first = self.kept.get(event_id)
        return (first, *first.others) if first else ()

    def all(self) -> Iterator[Kept]:
        """All that is kept."""
        for first in self.kept.values():
            yield first
            yield from first.others

    def knows(self, event_id: str, *, as_entry: bool) -> bool:
        """Whether the event is kept as B, or as A."""
        if event_id not in self.kept:
            return False
        return any((kept.status is Status.ENTRY) is as_entry for kept in self.of(event_id))

    def add(self, kept: Kept) -> None:
        """Keeps it."""
        first = self.kept.setdefault(kept.id, kept)
        if first is not kept:
            first.others = (*first.others, kept)

    def remove(self, kept: Kept) -> None:
        """Lets go of it."""
        left = [one for one in self.of(kept.id) if one is not kept]
        if left:
            self.kept[kept.id] = left[0]
            left[0].others = tuple(left[1:])
        else:
            del self.kept[kept.id]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Shown)
_evidence = msgspec.json.Decoder(tuple[tuple[Evidence, ...], tuple[msgspec.Raw, ...]])


def pack(events: tuple[Event, ...], matched: tuple[Matched, ...] = ()) -> bytes:
    """What is to be shown, as bytes. JSON, because a number in an event may be larger than msgpack can write."""
    return _encoder.encode((events, matched))


def unpack(kept: Kept) -> Shown:
    """The evidence as it was."""
    return _decoder.decode(kept.evidence)


def evidence_in(packed: bytes) -> Evidence:
    """The last event of what `pack` made bytes of, as an alert carries it: those are fields of the event, too."""
    return _evidence.decode(packed)[0][-1]
