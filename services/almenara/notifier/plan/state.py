"""What the plan remembers of a partition of `notices`: what waits for whom, and what went out lately. Plain data."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from almenara.domain.audience import Audience
from almenara.domain.notice import Held, Notice, Told

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def follows(notice: Notice) -> bool:
    """Whether the alert had been told before, as far as the route knows."""
    return notice.thread != notice.delivery or notice.why == Told.FOLLOWS


@dataclass(slots=True)
class Waiting:
    """The decisions about one alert that wait together, oldest first. `until` is None for the next digest."""

    notices: list[Notice]
    why: Held
    until: datetime | None = None

    @property
    def latest(self) -> Notice:
        """The newest of them."""
        return self.notices[-1]


@dataclass(slots=True)
class Place:
    """One way to one subscriber.

    `waiting` is by alert, in the order in which they began to wait. `recent` are the moments of the messages of the
    last hour, `first` the first message about each open alert (what later ones thread under), `last` when each was
    spoken of last. `digest_at` is when the next digest goes out; the last one spoke of what came before `since`.
    `closed` and `held_back` count since then. `untold` are alerts that were dropped before they were heard of, and
    `ended` is when the subscription was ended.
    """

    waiting: dict[str, Waiting] = field(default_factory=dict)
    recent: list[datetime] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)
    last: dict[str, datetime] = field(default_factory=dict)
    digest_at: datetime | None = None
    since: datetime = EPOCH
    closed: int = 0
    held_back: dict[str, int] = field(default_factory=dict)
    untold: dict[str, None] = field(default_factory=dict)
    ended: datetime | None = None


@dataclass(slots=True)
class PlanState:
    """All that the fold remembers. `silent` is by alert: which source it says cannot be read, since when."""

    clock: datetime = EPOCH
    audience: Audience = field(default_factory=Audience)
    places: dict[str, Place] = field(default_factory=dict)
    silent: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def place(self, name: str) -> Place:
        """The place of this name; a new one speaks of what comes from now on."""
        return self.places.setdefault(name, Place(since=self.clock))
