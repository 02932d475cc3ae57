"""What is measured over a window, and how it compares: exact, and the same for any order of the events."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import fsum, isfinite
from typing import Any, Final

from almenara.domain.ids import canonical
from almenara.engine.detectors.tracks import Entry, Value
from almenara.engine.rule import AggregateRule, Measure

Number = int | float

OPS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
    "eq": operator.eq,
    "neq": operator.ne,
}

_NUMERIC: Final = re.compile(r"\s*[+-]?(\d+)(\.\d*)?([eE][+-]?\d{1,3})?\s*", re.ASCII)
_INT64: Final = 2**63
_NEAR: Final = 1e-9
"""Sums closer to the bound than this share of what was added are compared as decimals, without any rounding."""


def number_of(value: Any) -> Number | None:
    """The number that a value is or spells (`12`, `-3.5`, `1e6`); None for anything else. Truth values are none."""
    if isinstance(value, str):
        matched = _NUMERIC.fullmatch(value) if len(value) <= 40 else None
        if matched is None:
            return None
        value = float(value) if matched[2] or matched[3] else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        if -_INT64 <= value < _INT64:
            return value
        try:
            value = float(value)
        except OverflowError:
            return None
    return value if isfinite(value) else None


def distinct_of(combination: Sequence[Any]) -> str:
    """What tells one value, or one combination of values of several fields, from another: its spelling."""
    spelled = [canonical(value).decode() if isinstance(value, Mapping) else str(value) for value in combination]
    return spelled[0] if len(spelled) == 1 else canonical(spelled).decode()


def enough(rule: AggregateRule) -> Callable[[Sequence[Entry]], bool]:
    """Whether the measure over a window compares as the rule asks."""
    compare, bound, measure = OPS[rule.op], rule.bound, rule.measure
    if measure == Measure.EVENTS:
        return lambda window: compare(len(window), bound)
    if measure == Measure.VALUES:
        return lambda window: compare(len(values_in(window)), bound)
    if measure == Measure.PERCENTILE:
        return lambda window: compare(percentile(numbers_in(window), rule.percentile), bound)

    def totals(window: Sequence[Entry]) -> bool:
        numbers = numbers_in(window)
        if measure == Measure.MEDIAN:
            numbers = middle(numbers)
        return total_compares(numbers, rule.op, bound, 1 if measure == Measure.SUM else len(numbers))

    return totals


def measured(rule: AggregateRule, window: Sequence[Entry]) -> Number:
    """The measure over a window, rounded to what a number holds, for people to read."""
    if rule.measure == Measure.EVENTS:
        return len(window)
    if rule.measure == Measure.VALUES:
        return len(values_in(window))
    numbers = numbers_in(window)
    if rule.measure == Measure.PERCENTILE:
        return percentile(numbers, rule.percentile)
    if rule.measure == Measure.MEDIAN:
        numbers = middle(numbers)
    exact = _total(numbers) / (1 if rule.measure == Measure.SUM else len(numbers))
    return int(exact) if exact.denominator == 1 and abs(exact) < _INT64 else _rounded(exact)


def values_in(window: Sequence[Entry]) -> set[Value]:
    """The different values of a window."""
    return {value for entry in window for value in entry.values}


def numbers_in(window: Sequence[Entry]) -> list[Number]:
    """All numbers of a window; every counted event has at least one."""
    return [value for entry in window for value in entry.values if not isinstance(value, str)]


def percentile(numbers: Sequence[Number], percent: int) -> Number:
    """The nearest rank: the smallest number that at least `percent` in a hundred do not exceed."""
    rank = -(-percent * len(numbers) // 100)
    return sorted(numbers)[max(rank, 1) - 1]


def middle(numbers: Sequence[Number]) -> list[Number]:
    """The middle number, or the two middle ones, whose mean is the median."""
    ordered = sorted(numbers)
    half = len(ordered) // 2
    return ordered[half : half + 1] if len(ordered) % 2 else ordered[half - 1 : half + 1]


def total_compares(numbers: Sequence[Number], op: str, bound: Number, times: int) -> bool:
    """Whether the total compares with `times` the bound, as decimals are written: 0.1 and 0.2 are 0.3."""
    compare = OPS[op]
    try:
        total, wanted = fsum(numbers), float(bound) * times
        doubt = _NEAR * (max(map(abs, numbers), default=0) * len(numbers) + abs(wanted))
        if isfinite(doubt) and abs(total - wanted) > doubt:
            return compare(total, wanted)
    except OverflowError:
        pass
    return compare(_total(numbers), _exact(bound) * times)


def _total(numbers: Sequence[Number]) -> Fraction:
    return sum((_exact(number) for number in numbers), Fraction(0))


def _exact(number: Number) -> Fraction:
    return Fraction(repr(number))


def _rounded(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return 1.7976931348623157e308 if exact > 0 else -1.7976931348623157e308
