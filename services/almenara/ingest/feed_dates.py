"""Dates of feeds: ISO 8601 and RFC 2822, and nothing else. Guessing would read 02/03 as a day of some month.

A date without an offset from UTC is taken in the source's zone, and flagged. Must not know what is dated.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

BAD_DATE: Final = "bad_date"
NO_DATE: Final = "no_date"
NO_OFFSET: Final = "no_offset"

_OLDEST: Final = datetime(1970, 1, 2, tzinfo=UTC)  # zero dates of all kinds lie before
_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)\s?(Z|z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_RFC2822: Final = re.compile(
    r"(?:[A-Za-z]{3,9}\.?,?\s+)?(\d{1,2})[\s-]([A-Za-z]{3})[a-z]{0,6}[\s-](\d{4}|\d\d)\s+"
    r"(\d{1,2}):(\d\d)(?::(\d\d))?\s*([+-]\d{4}|[A-Za-z]{1,5})?",
    re.ASCII,
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES_H: Final = {
    "UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8,
    "PDT": -7,
}  # fmt: skip
_PIVOT: Final = 70


@dataclass(frozen=True, slots=True)
class When:
    """A date as read: a moment, or a day (`until` set), in UTC; or None with the flag that says why."""

    time: datetime | None
    until: datetime | None = None
    flag: str = ""


def read_date(text: object, zone: str = "UTC") -> When:
    """The date that a feed gives; `zone` (IANA) is for one without an offset. A bare day is the whole day there."""
    if not isinstance(text, str) or not text.strip():
        return When(None, flag=NO_DATE)
    text = " ".join(text[:100].split())
    try:
        found, bare_day = _parsed(text)
        local = found.replace(tzinfo=ZoneInfo(zone)) if found.tzinfo is None else found
        moment = local.astimezone(UTC)
        until = (local + timedelta(days=1)).astimezone(UTC) if bare_day else None
    except (ValueError, OverflowError):
        return When(None, flag=BAD_DATE)
    if moment < _OLDEST:
        return When(None, flag=BAD_DATE)
    return When(moment, until, NO_OFFSET if found.tzinfo is None and not bare_day else "")


def _parsed(text: str) -> tuple[datetime, bool]:
    if iso := _ISO.fullmatch(text):
        day, hour, offset = iso.groups()
        return datetime.fromisoformat(day + (f"T{hour}{(offset or '').upper()}" if hour else "")), hour is None
    if rfc := _RFC2822.fullmatch(text):
        return _rfc2822(rfc), False
    raise ValueError("not a date")


def _rfc2822(found: re.Match[str]) -> datetime:
    day, month, year, hour, minute, second, zone = found.groups()
    number = int(year)
    if len(year) == 2:
        number += 1900 if number >= _PIVOT else 2000
    return datetime(
        number,
        _MONTHS.index(month.lower()) + 1,
        int(day),
        int(hour),
        int(minute),
        min(int(second or 0), 59),  # a leap second
        tzinfo=_offset(zone or ""),
    )


def _offset(zone: str) -> timezone | None:
    """The offset that is written; None for none, for -0000 and for names that nobody defined."""
    if zone[:1] in ("+", "-"):
        minutes = int(zone[1:3]) * 60 + int(zone[3:5])
        return None if zone == "-0000" else timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes))
    hours = _ZONES_H.get(zone.upper())
    return None if hours is None else timezone(timedelta(hours=hours))
