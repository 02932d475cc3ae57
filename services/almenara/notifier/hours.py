"""When somebody may be disturbed and when their digest goes out, in their own zone. Pure; knows nothing of alerts.

Hours are what the clock on the wall shows, so they move with daylight-saving time. An hour that a change of clocks
skips begins when the change is over; of an hour that comes twice the first one counts, or the second if the first has
passed.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo

from almenara.domain.audience import Deputy, Digest, Duty, Quiet

_DAY = timedelta(days=1)
_WEEKEND = (6, 7)
_LOOK_AHEAD_DAYS = 9
_MOST_BOUNDARIES = 20


def quiet_until(quiet: Quiet, zone: tzinfo, at: datetime) -> datetime | None:
    """When the quiet time that `at` lies in ends (UTC), or None when it lies in none.

    A night that runs into a quiet weekend is one quiet time.
    """
    end = at
    for _ in range(_MOST_BOUNDARIES):
        found = _boundary(quiet, zone, end)
        if found is None:
            break
        end = found
    return None if end == at else end


def next_digest(digest: Digest, zone: tzinfo, after: datetime) -> datetime:
    """The first time of the digest later than `after` (UTC)."""
    return next(moment for moment in _digests(digest, zone, after) if moment > after)


def last_digest(digest: Digest, zone: tzinfo, first: datetime, upto: datetime) -> datetime:
    """The last time of the digest that is not later than `upto`, where `first` is one of its times and not later."""
    last = first
    for moment in _digests(digest, zone, max(first, upto - _LOOK_AHEAD_DAYS * _DAY)):
        if moment > upto:
            break
        last = max(last, moment)
    return last


def away(deputy: Deputy, zone: tzinfo, at: datetime) -> bool:
    """Whether the deputy stands in on the local day of `at`."""
    day = at.astimezone(zone).date()
    return (deputy.start is None or deputy.start <= day) and (deputy.until is None or day <= deputy.until)


def on_duty(rota: tuple[Duty, ...], zone: tzinfo, at: datetime) -> str:
    """Who is on duty on the local day of `at`: the first entry that fits; empty where none does."""
    weekday = at.astimezone(zone).isoweekday()
    return next((duty.who for duty in rota if not duty.days or weekday in duty.days), "")


def _boundary(quiet: Quiet, zone: tzinfo, at: datetime) -> datetime | None:
    """The end of the one stretch (a night, a weekend) that `at` lies in, or None."""
    there = at.astimezone(zone)
    day, minute = there.date(), there.hour * 60 + there.minute
    if quiet.weekends and there.isoweekday() in _WEEKEND:
        return _moment(day + (8 - there.isoweekday()) * _DAY, 0, zone, after=at)
    if quiet.daily is None:
        return None
    start, end = quiet.daily
    if start < end:
        return _moment(day, end, zone, after=at) if start <= minute < end else None
    if minute >= start:
        return _moment(day + _DAY, end, zone, after=at)
    return _moment(day, end, zone, after=at) if minute < end else None


def _digests(digest: Digest, zone: tzinfo, start: datetime) -> Iterator[datetime]:
    """The times of the digest from the local day before `start` on, in order."""
    first = start.astimezone(zone).date() - _DAY
    for offset in range(2 * _LOOK_AHEAD_DAYS + 2):
        day = first + offset * _DAY
        if day.isoweekday() in digest.days:
            yield from sorted(_moment(day, minute, zone) for minute in digest.at)


def _moment(day: date, minute: int, zone: tzinfo, after: datetime | None = None) -> datetime:
    """The moment (UTC) at which the clock on the wall shows this minute; the first one later than `after`."""
    shown = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    first = shown.astimezone(UTC)
    if after is not None and first <= after:
        return max(shown.replace(fold=1).astimezone(UTC), after + timedelta(minutes=1))
    return first
