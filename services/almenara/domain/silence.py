"""A silence: somebody asked, for a time and a reason, that alerts of some kind are held back. Plain data."""

from dataclasses import dataclass, field
from datetime import datetime

from almenara.domain.audience import Want


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What matches it is held back in [start, until), by the stream's clock.

    `alert` is the uid of the one alert that is meant; empty for all that pass the matcher.
    """

    id: str
    start: datetime
    until: datetime
    by: str
    reason: str
    matcher: Want = field(default_factory=Want)
    alert: str = ""
