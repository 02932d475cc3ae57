"""A notice: the recorded decision for one alert change and one subscriber; and the delivery that follows from it.

Beside notices there are things to tell that are about no single alert: a digest, what the operator is told, the beacon.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from almenara.domain.alert import AlertChanged


class Decision(StrEnum):
    """Planned, or not sent."""

    PLANNED = "planned"
    NOT_SENT = "not_sent"


class NotSent(StrEnum):
    """Why a subscriber is not told. A closed list; each is explained in the docs."""

    FILTERED = "filtered"
    SHADOW = "shadow"
    BACKFILL = "backfill"
    NEVER_TOLD = "never_told"
    NO_CHANNEL = "no_channel"
    CONFIDENTIAL = "confidential"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    AWAY = "away"
    UNSUBSCRIBED = "unsubscribed"
    LEFT = "left"
    ADDRESS_CHANGED = "address_changed"


class Told(StrEnum):
    """Why a subscriber is told. A closed list; each is explained in the docs."""

    WANTED = "wanted"
    FOLLOWS = "follows"
    SILENCE_ENDED = "silence_ended"
    INHIBITION_ENDED = "inhibition_ended"
    ESCALATED = "escalated"
    ASSIGNED = "assigned"


CALLED_IN: Final = (Told.ESCALATED, Told.ASSIGNED)
"""Told because people call them in, not because they want to be."""


def place_of(subscriber: str, via: str) -> str:
    """One way to one subscriber, as the notifier's folds name it."""
    return f"{subscriber}/{via}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One record of the stream `notices`, keyed by subscriber.

    `delivery` is the stable delivery id; `thread` the delivery id of the first message about the alert on this
    channel. `filter_index` is the subscriber's filter (from 0) that let the alert pass; -1 for none.
    A planned notice has a `why`, one that is not sent a `reason`; `ref` says which: the silence (its id), the alert
    that inhibits (its citation), the deputy who is told (not sent: away), the team whose steps escalate. `on_behalf`
    is the subscriber for whom a deputy is told, or would be.
    """

    id: str
    subscriber: str
    decision: Decision
    changed: AlertChanged
    at: datetime
    due: datetime
    reason: NotSent | None = None
    why: Told | None = None
    ref: str = ""
    on_behalf: str = ""
    channel: str = ""
    via: str = ""
    address_hash: str = ""
    delivery: str = ""
    thread: str = ""
    language: str = "en"
    time_zone: str = "UTC"
    team: bool = False
    filter_index: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorNotice:
    """What somebody who runs things is told, and is about no alert. Lies beside notices; `about` tells what it is.

    `refusal`: the operator is told that a channel (`destination`) refuses for good what is sent `to` a subscriber
    (empty: to everyone), and the `cause`; `refused` is the delivery that was refused first. `silence`: its author is
    told that the silence `refused` ends soon (`destination`: when, as ISO 8601), why it was made (`cause`), and what it
    holds back (`to`: citations). `delivery` is the stable id of this message.
    """

    about: str = "refusal"
    delivery: str
    subscriber: str
    via: str
    address_hash: str
    language: str
    destination: str
    to: str
    cause: str
    at: datetime
    refused: str

    @property
    def due(self) -> datetime:
        """At once."""
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentSource:
    """A source that has not been read for too long: its id, and since when that is known."""

    source: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestNotice:
    """What waited for one subscriber and channel, told in one message: the newest decision about each alert.

    `why` is `digest` (its time has come) or `quiet_hours` (several alerts had waited for the end of them). It speaks
    of [since, at). `notices` are at most 40, the most severe first; `more` is how many alerts are beyond, and `levels`
    counts all that are not closed. `open` alerts that the subscriber was told of stand open, `closed` were closed
    meanwhile; `held_back` counts what was not sent, by reason; `silent` are the sources that nobody could read.
    """

    about: str = "digest"
    delivery: str
    subscriber: str
    channel: str
    via: str
    address_hash: str
    language: str
    time_zone: str
    team: bool
    why: str
    since: datetime
    at: datetime
    notices: tuple[Notice, ...] = ()
    more: int = 0
    levels: Mapping[str, int] = field(default_factory=dict)
    open: int = 0
    closed: int = 0
    held_back: Mapping[str, int] = field(default_factory=dict)
    silent: tuple[SilentSource, ...] = ()

    @property
    def due(self) -> datetime:
        """At once: the plan waited for its time."""
        return self.at


HEARTBEAT: Final = "heartbeat"
"""The channel by which the beacon is told outside, and who is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """The heartbeat that has gone the whole way through every partition, lit for the time `slot`."""

    about: str = "beacon"
    delivery: str
    slot: datetime
    at: datetime
    subscriber: str = HEARTBEAT
    via: str = HEARTBEAT
    address_hash: str = ""

    @property
    def due(self) -> datetime:
        """At once."""
        return self.at


Sendable = Notice | OperatorNotice | DigestNotice | Beacon
"""Everything that the send queue holds; `about` tells apart what is no notice."""


class Held(StrEnum):
    """Why something that is planned waits. A closed list; each is explained in the docs."""

    QUIET_HOURS = "quiet_hours"
    DIGEST = "digest"
    RATE_LIMIT = "rate_limit"
    REPEATS = "repeats"


class Dropped(StrEnum):
    """Why something that waited is not told after all. A closed list; each is explained in the docs."""

    RETRACTED_UNTOLD = "retracted_untold"
    LEFT = "left"
    UNSUBSCRIBED = "unsubscribed"


class DeliveryState(StrEnum):
    """Where a delivery stands: *attempting* is recorded before the world is touched.

    The first three are the plan's: it waits until `again_at`, it is told in another message (`receipt`), or not at all.
    """

    HELD = "held"
    JOINED = "joined"
    DROPPED = "dropped"
    ATTEMPTING = "attempting"
    DELIVERED = "delivered"
    REJECTED_PERMANENT = "rejected_permanent"
    RETRY_AFTER = "retry_after"
    UNKNOWN = "unknown"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One record of the stream `deliveries`: a step of an attempt, or what the plan did before the first (attempt 0).

    `notice` and `alert` are empty for what is about no single alert; then `about` says what it is: a `digest`, a
    `refusal` or the end of a `silence` that somebody is told of, the `beacon`.
    """

    id: str
    delivery: str
    notice: str
    alert: str
    subscriber: str
    channel: str
    state: DeliveryState
    attempt: int
    at: datetime
    possible_duplicate: bool = False
    detail: str = ""
    receipt: str = ""
    again_at: datetime | None = None
    about: str = ""
