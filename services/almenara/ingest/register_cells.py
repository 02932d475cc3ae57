"""Cells of a visits register: days, hours and people as exports write them. Text in, values out.

Days are day first when written with strokes (31/08/2015), as in every register seen. Must not know columns.
"""

import re
from datetime import date, datetime, time
from typing import Final

_DAY: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})", re.ASCII)
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_HOUR: Final = re.compile(
    r"(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:\.\d{1,9})?)?(?:\s*([ap])\.?\s?m\.?)?|(\d{1,2})\s*([ap])\.?\s?m\.?",
    re.ASCII | re.IGNORECASE,
)
_CENTURY: Final = 2000
_HALF_DAY_H: Final = 12


def read_day(text: str) -> tuple[date, time | None]:
    """A day, and the hour when one follows it. Raises ValueError, with the cure, when it is none."""
    text = text.strip()
    if found := _ISO_DAY.match(text):
        year, month, day = (int(group) for group in found.groups())
    elif found := _DAY.match(text):
        day, month, year = (int(group) for group in found.groups())
        year += _CENTURY if len(found[3]) == 2 else 0
    else:
        raise ValueError("is no day; write 31/08/2015 or 2015-08-31")
    rest = text[found.end() :].lstrip(" T,")
    try:
        made = date(year, month, day)
    except ValueError:
        raise ValueError("is no day of the calendar; write 31/08/2015 (day first) or 2015-08-31") from None
    hour = read_hour(rest) if rest else None
    # A workbook writes a bare day as midnight; nobody visits at 00:00:00.
    return made, None if hour == time() else hour


def read_hour(text: str) -> time:
    """An hour: 9:20, 09:20:00, 9:20 p. m.; or the fraction of a day that workbooks hold. Raises ValueError."""
    text = text.strip()
    if re.fullmatch(r"0?\.\d{1,17}", text):
        minutes = round(float(text) * 24 * 60)
        return time(minutes // 60 % 24, minutes % 60)
    found = _HOUR.fullmatch(text)
    if found is None:
        raise ValueError("is no hour; write 09:20 or 9:20 p. m.")
    hour, minute, second = int(found[1] or found[5]), int(found[2] or 0), int(found[3] or 0)
    half = (found[4] or found[6] or "").lower()
    if half:
        if not 1 <= hour <= _HALF_DAY_H:
            raise ValueError("is no hour; write 09:20 or 9:20 p. m.")
        hour = hour % _HALF_DAY_H + (_HALF_DAY_H if half == "p" else 0)
    try:
        return time(hour, minute, second)
    except ValueError:
        raise ValueError("is no hour of the day; write 09:20 or 9:20 p. m.") from None


def read_moment(text: str) -> datetime:
    """A day with or without its hour (midnight then), without a zone. Raises ValueError."""
    day, hour = read_day(text)
    return datetime.combine(day, hour or time())


def read_host(text: str) -> tuple[str, str]:
    """The host's name and what follows it after ` - ` (office, post)."""
    name, _, office = " ".join(text.split()).partition(" - ")
    return name.strip(" -"), office.strip(" -")
