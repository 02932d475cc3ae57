"""The clock, for the services that may ask it (ingest, ticker, sender); the core never does."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; virtual in demos, file replays and tests."""

    def now(self) -> datetime:
        """The time, UTC and aware."""
