"""What is to be sent, and what came of it: the queue between the notifier's plan and the world.

A send is claimed for a while, attempted, and settled. Whoever lost the claim settles nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from almenara.ports.log import Entry


@dataclass(frozen=True, slots=True)
class Send:
    """One message to one subscriber by one channel. `id` is the stable delivery id.

    Sends of one `thread` (a subscriber's channel and an alert) go out in order of `rank` and never at once.
    """

    id: str
    thread: str
    rank: str
    due: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """A send in hand: the how-manieth attempt it is (from 1), and whether an earlier attempt may have got through."""

    send: Send
    attempt: int
    possible_duplicate: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of an attempt: final, or again at `again_at`; `doubt` when it may have got through."""

    again_at: datetime | None = None
    doubt: bool = False


class SendQueue(Protocol):
    """Claims and settles sends; each step commits together with its record in `deliveries`."""

    def take(self, now: datetime, until: datetime, limit: int) -> list[Claim]:
        """Takes sends that are due, or whose claim ran out before `now` (those come marked as possible duplicates).

        At most one unsettled send of a thread is ever handed out, the one of lowest rank.
        """

    def attempt(self, claim: Claim, entries: Sequence[Entry]) -> bool:
        """Records that the attempt starts. False when the claim was lost; then nothing may be sent."""

    def settle(self, claim: Claim, settlement: Settlement, entries: Sequence[Entry]) -> bool:
        """Records what came of it, with `entries`. False when the claim was lost; then nothing is written."""

    def pending(self) -> int:
        """How many sends are not settled for good."""

    def next_due(self) -> datetime | None:
        """When the next unsettled send is due, or None."""
