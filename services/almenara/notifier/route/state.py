"""What the route remembers of a partition: audience, silences, who was told of what, and what waits. Plain data."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from almenara.domain.alert import AlertChanged
from almenara.domain.audience import Audience, Subscriber
from almenara.domain.notice import NotSent
from almenara.domain.silence import Silence

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Why somebody is not told for now; `ref` names what holds it back (a silence, an alert, a deputy).

    `on_behalf` is the one who is away, where it is held back from their deputy, who does not want it for themselves.
    """

    reason: NotSent
    ref: str = ""
    on_behalf: str = ""


@dataclass(slots=True)
class Escalating:
    """A team was told of an alert at `start`; its steps up to that at `taken` seconds have been taken.

    By their time, not their number: another audience may have more of them, or fewer.
    """

    start: datetime
    taken: int = 0


@dataclass(slots=True)
class Standing:
    """An alert that is not over: its latest news with the alert as it stands now, and what is under way about it.

    `held` says by place (`subscriber/via`) who will be told when what holds it back is over; `escalating` is by team.
    """

    news: AlertChanged
    held: dict[str, HeldBack] = field(default_factory=dict)
    escalating: dict[str, Escalating] = field(default_factory=dict)


@dataclass(slots=True)
class RouteState:
    """All that the fold remembers.

    `told` is alert -> place -> the first delivery about it. `ended` are the places whose subscriptions were ended,
    `warned` the silences whose authors were told that they end soon.
    """

    clock: datetime = EPOCH
    audience: Audience = field(default_factory=Audience)
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    warned: dict[str, None] = field(default_factory=dict)
    ended: dict[str, None] = field(default_factory=dict)

    def who(self, name: str) -> Subscriber | None:
        """The subscriber of this id, if there is one now."""
        return next((one for one in self.audience.subscribers if one.id == name), None)
