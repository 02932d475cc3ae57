"""Whether a planned notice waits, why and until when: digest, quiet hours, repeats, rate limit. Pure.

What is escalated or given to somebody never waits, and what a subscriber excepts from quiet hours waits for nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from almenara.domain.alert import Reason
from almenara.domain.audience import Subscriber
from almenara.domain.notice import CALLED_IN, Held, Notice
from almenara.notifier.hours import quiet_until
from almenara.notifier.plan.state import Place
from almenara.notifier.words.vocabulary import zone_of

REPEATS_AFTER: Final = timedelta(minutes=10)
"""News that only adds to what was told (another source, more events) is told no sooner after the last message."""

_HOUR: Final = timedelta(hours=1)
_ADDS: Final = (Reason.ANOTHER_SOURCE, Reason.MORE_EVENTS)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why something waits. `until` is None for the next digest."""

    why: Held
    until: datetime | None = None


def waits_for_nothing(who: Subscriber, notice: Notice) -> bool:
    """Whether the notice goes out at once whatever else holds: by its level, or because somebody is called in."""
    excepted = who.quiet is not None and notice.changed.alert.level in who.quiet.except_levels
    return excepted or notice.why in CALLED_IN


def hold_of(who: Subscriber, place: Place, notice: Notice, at: datetime) -> Hold | None:
    """Why the notice waits at a time, or None when it is to be sent now."""
    alert = notice.changed.alert
    if waits_for_nothing(who, notice):
        return None
    if who.digest is not None and alert.level in who.digest.levels:
        return Hold(Held.DIGEST)
    if who.quiet is not None and (until := quiet_until(who.quiet, zone_of(who.time_zone), at)) is not None:
        return Hold(Held.QUIET_HOURS, until)
    last = place.last.get(alert.uid)
    # by its own time as well: the clock may have run ahead with records of other countries
    if last is not None and notice.changed.reason in _ADDS and max(notice.at, at) < last + REPEATS_AFTER:
        return Hold(Held.REPEATS, last + REPEATS_AFTER)
    if who.limit is not None and who.digest is not None and len(recent(place, at)) >= who.limit.per_hour:
        return Hold(Held.RATE_LIMIT)
    return None


def recent(place: Place, at: datetime) -> list[datetime]:
    """The moments of the messages in the hour before `at`."""
    return [moment for moment in place.recent if moment > at - _HOUR]
