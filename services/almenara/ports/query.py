"""What pages ask the record: an alert as one reader may know it, and what was done by which link."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from almenara.domain.alert import Alert, AlertChanged, Change
from almenara.domain.audience import Subscriber
from almenara.domain.notice import DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message about an alert to one reader: what had changed, by which channel, and how far it came by when."""

    change: Change
    via: str
    state: DeliveryState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """What the record holds of an alert, for one reader: every change from the first on, and what they were told.

    `country` is its name in the reader's language. `hidden`: it has become more confidential than they may know.
    """

    changes: tuple[AlertChanged, ...]
    told: tuple[Told, ...]
    country: str
    hidden: bool = False

    @property
    def alert(self) -> Alert:
        """The alert as it stands."""
        return self.changes[-1].alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that stands in the log: when it was recorded, and by whom."""

    at: datetime
    by: str


class Query(Protocol):
    """Reads only. May be asked by several threads. Raises Unreachable."""

    def reader(self, subscriber: str, via: str) -> Subscriber | None:
        """The subscriber as they are now; None when they, or this way to them, are no longer there."""

    def knows(self, subscriber: str) -> bool:
        """Whether there is a subscriber of this name now."""

    def alert(self, uid: str, reader: Subscriber, via: str) -> AlertView | None:
        """The alert of this uid as the reader may know it by this channel; None when there is none."""

    def done(self, type_: str, uid: str, alert: Alert | None) -> Done | None:
        """What was done under this id, as far as the services have read it; `alert` is the one that it is about."""

    def ended(self, subscriber: str, via: str) -> Done | None:
        """The end of a subscription that holds now; None while messages are sent."""
