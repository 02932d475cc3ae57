"""Durations as people write them: `30s`, `15m`, `36h`, `2d`, `1w`, or several joined, `1d12h`.

A day is 24 hours and a week 7 days, whatever a calendar says.
"""

import re
from datetime import timedelta
from typing import Final

_UNITS_S: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WHOLE: Final = re.compile(r"(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)
_CURE: Final = "write a number and a unit (s, m, h, d, w), such as 30s, 36h or 1d12h"


def parse_duration(text: str) -> timedelta:
    """The duration that `text` says; units go from the longest to the shortest, each at most once.

    Raises ValueError, with the cure, when it says none.
    """
    matched = _WHOLE.fullmatch(text.strip())
    if matched is None or not any(matched.groups()):
        raise ValueError(f"not a duration; {_CURE}")
    seconds = sum(int(number or 0) * unit for number, unit in zip(matched.groups(), _UNITS_S.values(), strict=True))
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(f"longer than can be counted; {_CURE}") from None


def format_duration(duration: timedelta) -> str:
    """The shortest way to write a duration of whole seconds, not negative: `1d12h`. Parts of a second are dropped.

    Raises ValueError when it is negative.
    """
    left = int(duration.total_seconds())
    if left < 0:
        raise ValueError("a duration is not negative")
    parts = []
    for unit, seconds in _UNITS_S.items():
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
