"""The one root of all errors, and the fault that names its place and its cure.

Knows nothing of exit codes or HTTP: `cli` and `console` translate.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class AlmenaraError(Exception):
    """Root of every error that Almenara raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a file: where it stands, what is wrong, how to mend it.

    `line` and `column` count from 1; 0 means that no line is known.
    """

    file: str
    line: int
    what: str
    cure: str = ""
    column: int = 0

    def __str__(self) -> str:
        place = self.file + (f":{self.line}" if self.line else "")
        place += f":{self.column}" if self.line and self.column else ""
        return f"{place}: {self.what}" + (f" -- {self.cure}" if self.cure else "")


class Faulty(AlmenaraError):
    """Configuration, rules or input are wrong; carries every fault found, not the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Rejected(AlmenaraError):
    """One record or item cannot be taken; `reason` is a short, stable word for it."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


class Fenced(AlmenaraError):
    """Another worker has claimed this partition since; nothing was written."""


class Gap(AlmenaraError):
    """A sequence number is missing in a partition; the partition must stop."""


class Unreachable(AlmenaraError):
    """A dependency (database, broker, mail server) cannot be reached."""


class Differs(AlmenaraError):
    """The record differs from what folding it again gives, or was tampered with."""


class Refused(AlmenaraError):
    """Not allowed now: a role, a lock, an approval or a fixed property of the log."""


class Missing(AlmenaraError):
    """What was asked for by name or id is not there."""
