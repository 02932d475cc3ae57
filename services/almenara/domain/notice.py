"""A notice: the recorded decision for one alert change and one subscriber; and the delivery that follows from it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One record of the stream `notices`, keyed by subscriber.

    `delivery` is the stable delivery id; `thread` the delivery id of the first message about the alert on this
    channel. `filter_index` is the subscriber's filter (from 0) that let the alert pass; -1 for none.
    A planned notice has a `why`, one that is not sent a `reason`; `ref` says which: the silence (its id), the alert
    that inhibits (its citation), the deputy who is told (not sent: away), the team whose steps escalate. `on_behalf`
    is the subscriber for whom a deputy is told.
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


class DeliveryState(StrEnum):
    """Where a delivery stands: *attempting* is recorded before the world is touched."""

    ATTEMPTING = "attempting"
    DELIVERED = "delivered"
    REJECTED_PERMANENT = "rejected_permanent"
    RETRY_AFTER = "retry_after"
    UNKNOWN = "unknown"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One record of the stream `deliveries`: one step of one attempt.

    `notice` and `alert` are empty for what the operator is told of a channel.
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
