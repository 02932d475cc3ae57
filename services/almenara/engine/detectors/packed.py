"""Evidence, compactly: events as bytes, and a sequence of them that unpacks what is looked at."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, overload

import msgspec

from almenara.domain.event import Event

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Event)
_WIDE: Final = msgspec.json.Decoder(Event)
SMALL: Final = 8_192
"""Larger ones are not kept unpacked: a thousand of them would be felt."""


def pack(event: Event) -> bytes:
    """The event as bytes."""
    try:
        return _ENCODER.encode(event)
    except OverflowError:  # an integer beyond 64 bits, which only a file for `rules eval` may hold
        return msgspec.json.encode(event)


def unpack(packed: bytes) -> Event:
    """The event of bytes that `pack` gave."""
    return _unpacked_lately(packed) if len(packed) < SMALL else _unpacked(packed)


def _unpacked(packed: bytes) -> Event:
    return _WIDE.decode(packed) if packed.startswith(b"{") else _DECODER.decode(packed)


_unpacked_lately: Final = lru_cache(maxsize=1_024)(_unpacked)
"""An alert that grows shows the same events again each time."""


class PackedEvents(Sequence[Event]):
    """Events in order, each unpacked when it is looked at: a long alert is told by its first and last ones."""

    __slots__ = ("_packed",)

    def __init__(self, packed: Iterable[bytes]) -> None:
        self._packed = tuple(packed)

    def __len__(self) -> int:
        return len(self._packed)

    @property
    def packed(self) -> tuple[bytes, ...]:
        """The events as bytes, for those who keep by them what they made of an event."""
        return self._packed

    @overload
    def __getitem__(self, at: int) -> Event: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Event, ...]: ...
    def __getitem__(self, at: int | slice) -> Event | tuple[Event, ...]:
        if isinstance(at, slice):
            return tuple(unpack(one) for one in self._packed[at])
        return unpack(self._packed[at])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PackedEvents):
            return self._packed == other._packed
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._packed)

    def __repr__(self) -> str:
        return f"PackedEvents({[event.id for event in self]})"
