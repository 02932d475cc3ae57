"""Clocks: the real one, and a virtual one that demos, file replays and tests set themselves."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Now, UTC and aware."""
        return datetime.now(UTC)


class VirtualClock:
    """Stands still until it is set; never goes backwards."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """The time it was last set to."""
        return self._at

    def set(self, at: datetime) -> None:
        """Moves forward; an earlier time is ignored."""
        self._at = max(self._at, at)
