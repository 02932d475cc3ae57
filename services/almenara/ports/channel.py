"""A channel: the way a message reaches a person, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from almenara.domain.message import Message


class OutcomeKind(StrEnum):
    """All that can come of an attempt. A timeout is `unknown`, never "not sent"."""

    DELIVERED = "delivered"
    REJECTED_PERMANENT = "rejected_permanent"
    RETRY_AFTER = "retry_after"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. `retry_after_s` is the wait that the other side asked for, None when it named none.

    `detail` is safe to record: it holds no address, token or URL. `receipt` is the other side's id of the message.
    `down`: the destination itself is in trouble (no connection, silence, an error of its own), whatever the message
    was. `for_all`: the refusal holds for whoever is told by this channel. `handle` is what the channel wants to be
    given with later messages of the thread (`Message.handle`).
    """

    kind: OutcomeKind
    detail: str = ""
    retry_after_s: float | None = None
    receipt: str = ""
    down: bool = False
    for_all: bool = False
    handle: str = ""


class Channel(Protocol):
    """Sends one message and says what came of it. Never raises for what the other side does."""

    def send(self, message: Message, address: str) -> Outcome:
        """Tries once, within the channel's own time limit (seconds)."""
