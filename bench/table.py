"""The table: one row for each ratio, with what is to be reached, and a reason where there is no number."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

UNITS: Final = {"D": "D", "x": "x", "%": " %", "s": " s", "ms": " ms", "/s": "/s", "MB": " MB", "": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `number` is that of the list in docs/performance.md; `found` is None where `note` says why."""

    number: str
    what: str
    found: float | None = None
    unit: str = "D"
    target: float | None = None
    at_most: bool = False
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none, or no number."""
        if self.found is None or self.target is None:
            return None
        return self.found <= self.target if self.at_most else self.found >= self.target


def skipped(number: str, what: str, reason: object) -> Row:
    """A row without a number."""
    return Row(number=number, what=what, note=f"skipped: {reason}")


def line(row: Row) -> str:
    """One row as text."""
    if row.found is None:
        return f"{row.number:>3}  {row.what:<58} {row.note}"
    wanted = "" if row.target is None else f"{'<=' if row.at_most else '>='} {_spelled(row.target, row.unit)}"
    verdict = {None: "", True: "reached", False: "not yet"}[row.reached]
    return f"{row.number:>3}  {row.what:<58} {_spelled(row.found, row.unit):>9}  {wanted:<10} {verdict:<8} {row.note}"


def heading() -> str:
    """The line over the rows."""
    return f"{'#':>3}  {'what':<58} {'found':>9}  {'to reach':<10} {'':<8} seen"


def summary(rows: Iterable[Row]) -> str:
    """How many of the ratios are reached."""
    verdicts = [row.reached for row in rows]
    return f"{verdicts.count(True)} reached, {verdicts.count(False)} not yet, {verdicts.count(None)} without a verdict"


def _spelled(value: float, unit: str) -> str:
    digits = 0 if value >= 100 or value == 0 else 1 if value >= 10 else 2 if value >= 0.1 else 4
    return f"{value:,.{digits}f}{UNITS[unit]}"
