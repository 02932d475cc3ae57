"""Tests of one value, made from Sigma's typed values. The plain, clear evaluator: closures, no cleverness.

Strings compare without case unless `cased`; a number in a rule also matches its spelling in an event. Regular
expressions are RE2 (linear time).
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final

import re2
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

Test = Callable[[Any], bool]

_COMPARE: Final[Mapping[CompareOperators, Callable[[float, float], bool]]] = {
    CompareOperators.LT: operator.lt,
    CompareOperators.LTE: operator.le,
    CompareOperators.GT: operator.gt,
    CompareOperators.GTE: operator.ge,
}


class Unsupported(Exception):
    """A value that parses but that this engine cannot evaluate; the check turns it into a fault."""


def test_of(value: SigmaType) -> Test:
    """The test for one Sigma value. Raises Unsupported."""
    if isinstance(value, SigmaString):
        return _string(value)
    if isinstance(value, SigmaTimestampPart):
        return _timestamp_part(value)
    if isinstance(value, SigmaNumber):
        return _number(value.number)
    if isinstance(value, SigmaBool):
        wanted = bool(value)
        return lambda found: found is wanted or (isinstance(found, str) and found.lower() == str(wanted).lower())
    if isinstance(value, SigmaNull):
        return lambda found: found is None
    if isinstance(value, SigmaRegularExpression):
        return _regex(value)
    if isinstance(value, SigmaCIDRExpression):
        return _cidr(value)
    if isinstance(value, SigmaCompareExpression):
        return _compare(value)
    raise Unsupported(f"{type(value).__name__} values are not supported")


def text_of(value: Any) -> str:
    """The spelling of an event's value that strings in rules are compared with."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def number_of(value: Any) -> float | None:
    """The number that an event's value is or spells, else None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _string(value: SigmaString) -> Test:
    cased = isinstance(value, SigmaCasedString)
    parts = [part if cased or not isinstance(part, str) else part.casefold() for part in value.s]
    spelling = text_of if cased else folded
    compare = _plain_comparison(parts) or _pattern_of(parts)
    return lambda found: found is not None and compare(spelling(found))


def folded(value: Any) -> str:
    """The spelling without case; long texts are folded once, however many rules ask."""
    return _casefold(text_of(value))


@lru_cache(maxsize=8_192)
def _casefold(text: str) -> str:
    return text.casefold()


def _plain_comparison(parts: Sequence[Any]) -> Callable[[str], bool] | None:
    """The comparison of a text that has wildcards at its ends only (a twentieth of a pattern's cost), else None."""
    first, last = _is_many(parts[:1]), _is_many(parts[-1:])
    inner = parts[1 if first else 0 : len(parts) - (1 if last and len(parts) > 1 else 0)]
    if not all(isinstance(part, str) for part in inner):
        return None
    wanted = "".join(inner)
    if first:
        return (lambda text: wanted in text) if last else (lambda text: text.endswith(wanted))
    return (lambda text: text.startswith(wanted)) if last else (lambda text: text == wanted)


def _is_many(parts: Sequence[Any]) -> bool:
    return len(parts) == 1 and parts[0] == SpecialChars.WILDCARD_MULTI


def _pattern_of(parts: Sequence[Any]) -> Callable[[str], bool]:
    options = re2.Options()
    options.dot_nl = True
    compiled = re2.compile("".join(_pattern(part) for part in parts), options)
    return lambda text: compiled.fullmatch(text) is not None


def _pattern(part: Any) -> str:
    if part == SpecialChars.WILDCARD_MULTI:
        return ".*"
    if part == SpecialChars.WILDCARD_SINGLE:
        return "."
    if isinstance(part, str):
        return str(re2.escape(part))
    raise Unsupported("a placeholder needs `|expand` and a list of that name alone")


def _number(wanted: float) -> Test:
    def equals(found: Any) -> bool:
        number = number_of(found)
        return number is not None and number == wanted

    return equals


def _regex(value: SigmaRegularExpression) -> Test:
    flags = {
        SigmaRegularExpressionFlag.IGNORECASE: "i",
        SigmaRegularExpressionFlag.MULTILINE: "m",
        SigmaRegularExpressionFlag.DOTALL: "s",
    }
    prefix = "".join(sorted(flags[flag] for flag in value.flags))
    text = str(value.regexp.original)
    try:
        compiled = re2.compile(f"(?{prefix}){text}" if prefix else text)
    except re2.error as error:
        raise Unsupported(f"RE2 refuses the regular expression {text!r}: {error}") from error
    return lambda found: found is not None and compiled.search(text_of(found)) is not None


def _cidr(value: SigmaCIDRExpression) -> Test:
    network = value.network

    def inside(found: Any) -> bool:
        try:
            return ip_address(text_of(found)) in network
        except ValueError:
            return False

    return inside


def _compare(value: SigmaCompareExpression) -> Test:
    compare, wanted = _COMPARE.get(value.op), value.number.number
    if compare is None:
        raise Unsupported(f"the comparison {value.op} is not supported")

    def holds(found: Any) -> bool:
        number = number_of(found)
        return number is not None and compare(number, wanted)

    return holds


def _timestamp_part(value: SigmaTimestampPart) -> Test:
    part, wanted = value.timestamp_part.name.lower(), value.number

    def equals(found: Any) -> bool:
        try:
            moment = datetime.fromisoformat(text_of(found))
        except ValueError:
            return False
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
        return (moment.isocalendar().week if part == "week" else getattr(moment, part)) == wanted

    return equals
