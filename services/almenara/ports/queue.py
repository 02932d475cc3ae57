"""What is to be sent, and what came of it: the queue between the notifier's plan and the world.

A send is claimed for a while, attempted, and settled. Whoever lost the claim settles nothing. Where destinations stand
is kept with it, so that all who send know, and a restart forgets nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from almenara.domain.circuit import Circuit, Sign
from almenara.ports.log import Entry

PER_DESTINATION: Final = 4
"""How many sends of one destination may be in hand at once, over all who send."""

SCANNED: Final = 1024
"""How many sends that could be taken are looked at in one take."""


@dataclass(frozen=True, slots=True)
class Send:
    """One message to one subscriber by one channel. `id` is the stable delivery id.

    Sends of one `thread` (a subscriber's channel and an alert) go out in order of `rank` and never at once.
    `destination` is what the limits and the circuit breaker are of (a configured channel); none of them holds for an
    empty one.
    """

    id: str
    thread: str
    rank: str
    due: datetime
    body: bytes
    destination: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A send in hand: the how-manieth take it is (from 1), and whether an earlier attempt may have got through.

    `handle` is what the channel left when it delivered an earlier send of the thread; `circuit` where the destination
    stands, None when nothing was ever noted of it.
    """

    send: Send
    attempt: int
    possible_duplicate: bool
    handle: str = ""
    circuit: Circuit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A permanent refusal that the operator has to mend: where, of whom (empty: of everyone), why and when first."""

    destination: str
    subscriber: str
    cause: str
    at: datetime
    delivery: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of an attempt: final, or again at `again_at`; `doubt` when it may have got through.

    `handle` is kept for later sends of the thread. `sign` moves the circuit of the destination. A `refusal` is noted
    unless it stands there already; only when it is new `tell` is queued. `accepted` names the subscriber whose
    refusals at the destination, and those of everyone, are over.
    """

    again_at: datetime | None = None
    doubt: bool = False
    handle: str = ""
    sign: Sign | None = None
    refusal: Refusal | None = None
    tell: Send | None = None
    accepted: str = ""


class SendQueue(Protocol):
    """Claims and settles sends; each step commits together with its record in `deliveries`."""

    def take(self, now: datetime, until: datetime, limit: int, per_destination: int = PER_DESTINATION) -> list[Claim]:
        """Takes sends that are due, or whose claim ran out before `now` (those come marked as possible duplicates).

        At most one unsettled send of a thread is ever handed out, the one of lowest rank. Of a destination at most
        `per_destination` are in hand at once, whoever holds them, and one alone while its circuit is not closed.
        """

    def attempt(self, claim: Claim, entries: Sequence[Entry]) -> bool:
        """Records that the attempt starts. False when the claim was lost; then nothing may be sent."""

    def settle(self, claim: Claim, settlement: Settlement, entries: Sequence[Entry]) -> bool:
        """Records what came of it, with `entries`; what is settled for good keeps its id and loses its body.

        False when the claim was lost; then nothing is written.
        """

    def pending(self) -> int:
        """How many sends are not settled for good."""

    def next_due(self) -> datetime | None:
        """When the next unsettled send is due, or None."""

    def circuits(self) -> list[Circuit]:
        """Every destination of which something was noted, in order of its name."""

    def refusals(self) -> list[Refusal]:
        """The refusals that nothing has mended since, in order of destination, subscriber and cause."""


class Rooms:
    """How many sends of each destination may still be taken, beside those in hand."""

    def __init__(self, in_hand: Mapping[str, int], circuits: Mapping[str, Circuit], per_destination: int) -> None:
        self._held = dict(in_hand)
        self._circuits = circuits
        self._per_destination = per_destination

    def take(self, destination: str) -> bool:
        """Takes the room for one more; False when there is none. For no destination there always is."""
        held = self._held.get(destination, 0)
        if destination and held >= room(self._circuits.get(destination), self._per_destination):
            return False
        self._held[destination] = held + 1
        return True

    def full(self) -> list[str]:
        """The destinations that have room for no more."""
        return [
            one
            for one, held in self._held.items()
            if one and held >= room(self._circuits.get(one), self._per_destination)
        ]


def room(circuit: Circuit | None, per_destination: int) -> int:
    """How many sends of a destination may be in hand."""
    return per_destination if circuit is None or circuit.until is None else min(1, per_destination)
