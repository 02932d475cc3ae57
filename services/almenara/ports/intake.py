"""The intake: where items of other systems (webhook, inbox topic) are handed in as bytes, and what became of each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Taken(StrEnum):
    """What became of one item."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one item. `reason` is a short, stable word and `detail` says more, for a rejected one."""

    taken: Taken
    id: str = ""
    reason: str = ""
    detail: str = ""


class Intake(Protocol):
    """Takes items; the same item again is harmless."""

    def take(self, sender: str, body: bytes) -> list[Receipt]:
        """Takes one item or a batch, as JSON, from a sender whose name is established; empty: unknown.

        A bad item never stops the others. Raises Unreachable when nothing could be stored; then hand it in again.
        """
