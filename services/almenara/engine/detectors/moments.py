"""Moments as whole microseconds since 1970: what windows and deadlines are reckoned in.

Whole numbers compare exactly on an edge, have no end of the calendar, and cost less than dates.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def micros(moment: datetime) -> int:
    """The moment in microseconds; negative before 1970."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def length(duration: timedelta) -> int:
    """The duration in microseconds."""
    return duration // _MICROSECOND


def moment(at: int) -> datetime:
    """The moment of so many microseconds, in UTC; the calendar's first or last where it lies beyond."""
    try:
        return EPOCH + timedelta(microseconds=at)
    except OverflowError:
        return _LAST if at > 0 else _FIRST
