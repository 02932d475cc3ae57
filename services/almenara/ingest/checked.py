"""A reading of a source as a record, `source.checked`: what it covers, how it went, and what was captured.

No accusation without proof of looking: a reading that went badly says so, and one that is much smaller than the one
before is not trusted. Pure. Must not know what a source says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from almenara.domain.event import CHECKED
from almenara.ingest.draft import Draft


class ReadOutcome(StrEnum):
    """How a reading went. Only `new` and `unchanged` prove that somebody looked."""

    NEW = "new"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SHRUNK = "shrunk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """What is remembered of the reading before: its days, the hash of what was captured, and how many rows it had."""

    covers: tuple[datetime, datetime]
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of the source `source` at `at`, covering the half-open interval `covers` (UTC).

    `polled` marks sources that are read on a schedule, so that their silence can be noticed.
    """

    source: str
    country: str
    at: datetime
    covers: tuple[datetime, datetime]
    outcome: ReadOutcome
    rows: int = 0
    sha256: str = ""
    polled: bool = False
    more: Mapping[str, Any] | None = None


def compare(rows: int, sha256: str, previous: Previous | None) -> ReadOutcome:
    """The outcome of a reading that went well by itself, beside the one before.

    An empty one, or one with fewer than half of the rows before, is `shrunk`: a captcha page and a new layout look
    just like that.
    """
    if rows == 0:
        return ReadOutcome.SHRUNK
    if previous is None:
        return ReadOutcome.NEW
    if sha256 and sha256 == previous.sha256:
        return ReadOutcome.UNCHANGED
    return ReadOutcome.SHRUNK if 2 * rows < previous.rows else ReadOutcome.NEW


def checked(reading: Reading) -> Draft:
    """The reading as a draft of `source.checked`."""
    start, until = (moment.astimezone(UTC).isoformat() for moment in reading.covers)
    data: dict[str, Any] = {
        "source": {"id": reading.source},
        "covers": {"from": start, "until": until},
        "outcome": reading.outcome.value,
        "rows": reading.rows,
        "polled": reading.polled,
        **(reading.more or {}),
    }
    if reading.sha256:
        data["capture"] = {"sha256": reading.sha256}
    return Draft(
        source=reading.source,
        type=CHECKED,
        time=reading.at,
        recorded=reading.at,
        countries_key=(reading.country,),
        subject=reading.source,
        data=data,
    )
