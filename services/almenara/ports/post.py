"""An HTTP POST to somebody else, and what came back of it; for channels that speak HTTP in words of their own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

LONGEST_WAIT_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is 0 when nothing did; then `broken` says how it failed, in words safe to record.

    `sent` is False when it is sure that nothing reached the other side. `refused`: it was not even tried, for the
    address is none that may be reached. `body` is cut at some kilobytes.
    """

    status: int = 0
    body: bytes = b""
    retry_after: str = ""
    broken: str = ""
    sent: bool = True
    refused: bool = False


class Post(Protocol):
    """Posts a body to a URL, follows no redirect, and never raises for what the other side does."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One request, within a time limit for the whole of it."""


def retry_after_s(value: str, now: datetime) -> float | None:
    """The seconds of a Retry-After header (a number or a date), between 0 and a day; None when it says nothing."""
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text, re.ASCII):
        return min(float(text), LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if until.tzinfo is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT_S)
