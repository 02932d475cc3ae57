"""Tests of one value, made from Sigma's typed values. The plain, clear evaluator: closures, no cleverness.

Strings compare without case unless `cased`; a number in a rule also matches its spelling in an event. Regular
expressions are RE2 (linear time).
"""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
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
    if all(isinstance(part, str) for part in parts):
        exact = "".join(str(part) for part in parts)
        if cased:
            return lambda found: found is not None and text_of(found) == exact
        return lambda found: found is not None and text_of(found).casefold() == exact
    pattern = "".join(_pattern(part) for part in parts)
    options = re2.Options()
    options.dot_nl = True
    compiled = re2.compile(pattern, options)

    def matches(found: Any) -> bool:
        if found is None:
            return False
        text = text_of(found)
        return compiled.fullmatch(text if cased else text.casefold()) is not None

    return matches


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
