"""What was dated far ahead of the stream's clock when it came: from when on the log must be read to find it again.

A rule that starts anew looks back by the clock; what is dated ahead lies further back in the log than it says.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

TOLERATED: Final = timedelta(days=1)
"""So far ahead anything may be dated, and a look back is always longer by it; only what is farther is noted."""

MOST: Final = 64


class Ahead(msgspec.Struct, array_like=True):
    """Up to `end` something is dated that came when the stream's clock said `clock`, or later."""

    clock: datetime
    end: datetime


def note(held: list[Ahead], clock: datetime, end: datetime) -> None:
    """Notes what came at `clock` and is dated up to `end`. Both grow along the list; what adds nothing is left out.

    Of too many the two closest become one that promises less: more of the log is read then, never too little.
    """
    if end - clock <= TOLERATED or (held and end <= held[-1].end):
        return
    if held and held[-1].clock == clock:
        held[-1].end = end
        return
    held.append(Ahead(clock, end))
    if len(held) > MOST:
        at = min(range(1, len(held)), key=lambda nth: (held[nth].clock - held[nth - 1].clock, nth))
        held[at - 1 : at + 1] = [Ahead(held[at - 1].clock, held[at].end)]


def first_after(held: list[Ahead], moment: datetime) -> datetime | None:
    """The clock at which the first came of what is dated up to the moment or later; None where nothing is."""
    return next((one.clock for one in held if one.end >= moment), None)
