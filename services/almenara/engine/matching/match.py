"""Tests of one value as predicates. The plain, clear evaluator: closures, no cleverness; the fast one is held to it.

Texts compare without case unless `cased`; a number in a rule also matches its spelling in an event. An object is no
text and no number: only its fields are compared. Regular expressions are RE2 (linear time).
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, Final

import re2

from almenara.engine.expression import MANY, ONE, Bool, Cidr, Compare, Number, Regex, Text, TimePart

Predicate = Callable[[Any], bool]
ValueTest = Text | Number | Bool | Regex | Cidr | Compare | TimePart
"""The tests that ask one value alone."""

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "eq": operator.eq,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,400}")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MILLISECONDS_FROM: Final = 1e11
"""Moments as numbers from here on are milliseconds; as seconds they would lie beyond the year 5000."""


def test_of(test: ValueTest) -> Predicate:
    """The predicate of a test of one value."""
    if isinstance(test, Text):
        return _text(test)
    if isinstance(test, Number):
        return _number(test.value)
    if isinstance(test, Bool):
        wanted = test.value
        return lambda found: found is wanted or (isinstance(found, str) and found.lower() == str(wanted).lower())
    if isinstance(test, Regex):
        return _regex(test)
    if isinstance(test, Cidr):
        return _cidr(test.network)
    return _compare(test) if isinstance(test, Compare) else _time_part(test)


def is_text(value: Any) -> bool:
    """Whether an event's value has a spelling that texts can be compared with: null and objects have none."""
    return isinstance(value, str) or not (value is None or isinstance(value, Mapping))


def text_of(value: Any) -> str:
    """The spelling of an event's value that texts in rules are compared with."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def number_of(value: Any) -> int | float | None:
    """The number that an event's value is or spells (in plain decimals, nothing around it), else None."""
    kind = value.__class__
    if kind is float or kind is int:
        return value  # type: ignore[no-any-return]
    if isinstance(value, str):
        if _INTEGER.fullmatch(value):
            return int(value)
        return float(value) if _DECIMAL.fullmatch(value) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def moment_of(value: Any) -> datetime | None:
    """The moment that a value is: ISO 8601 (no offset = UTC), or a number of seconds or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            if found.tzinfo is UTC:
                return found
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS_FROM else value, UTC)
        return None
    except (ValueError, OverflowError, OSError):
        return None


def folded(value: Any) -> str:
    """The spelling without case; long texts are folded once, however many rules ask."""
    return _casefold(text_of(value))


def compile_regex(test: Regex) -> Any:
    """The RE2 pattern; nothing is written to standard error. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(f"(?{test.flags}){test.pattern}" if test.flags else test.pattern, options)


@lru_cache(maxsize=8_192)
def _casefold(text: str) -> str:
    return text.casefold()


def text_predicate(parts: Sequence[str | int]) -> Callable[[str], bool]:
    """The comparison of a text with literal parts and wildcards, both in one spelling."""
    return _plain_comparison(parts) or _pattern_of(parts)


def _text(test: Text) -> Predicate:
    parts = [part.casefold() if isinstance(part, str) and not test.cased else part for part in test.parts]
    spelling, compare = text_of if test.cased else folded, text_predicate(parts)
    return lambda found: is_text(found) and compare(spelling(found))


def _plain_comparison(parts: Sequence[str | int]) -> Callable[[str], bool] | None:
    """The comparison of a text that has wildcards at its ends only (a twentieth of a pattern's cost), else None."""
    first, last = parts[:1] == [MANY], parts[-1:] == [MANY]
    inner = parts[1 if first else 0 : len(parts) - (1 if last and len(parts) > 1 else 0)]
    if not all(isinstance(part, str) for part in inner):
        return None
    wanted = "".join(str(part) for part in inner)
    if first:
        return (lambda text: wanted in text) if last else (lambda text: text.endswith(wanted))
    return (lambda text: text.startswith(wanted)) if last else (lambda text: text == wanted)


def _pattern_of(parts: Sequence[str | int]) -> Callable[[str], bool]:
    options = re2.Options()
    options.dot_nl = True
    wild = {MANY: ".*", ONE: "."}
    pattern = "".join(str(re2.escape(part)) if isinstance(part, str) else wild[part] for part in parts)
    compiled = re2.compile(pattern, options)
    return lambda text: compiled.fullmatch(text) is not None


def _number(wanted: float) -> Predicate:
    def equals(found: Any) -> bool:
        number = number_of(found)
        return number is not None and number == wanted

    return equals


def _regex(test: Regex) -> Predicate:
    compiled = compile_regex(test)
    return lambda found: is_text(found) and compiled.search(text_of(found)) is not None


def _cidr(text: str) -> Predicate:
    network = ip_network(text)

    def inside(found: Any) -> bool:
        try:
            return isinstance(found, str) and ip_address(found) in network
        except ValueError:
            return False

    return inside


def _compare(test: Compare) -> Predicate:
    compare, bound = _COMPARE[test.op], test.bound

    def holds(found: Any) -> bool:
        number = number_of(found)
        return number is not None and compare(number, bound)

    return holds


def _time_part(test: TimePart) -> Predicate:
    part, compare, wanted = test.part, _COMPARE[test.op], test.value

    def holds(found: Any) -> bool:
        moment = moment_of(found)
        if moment is None:
            return False
        return compare(moment.isocalendar().week if part == "week" else getattr(moment, part), wanted)

    return holds
