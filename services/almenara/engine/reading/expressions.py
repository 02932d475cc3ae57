"""Conditions as pySigma parsed them to our own expressions. What parses and has no meaning here is refused by name."""

from typing import Any, Final

import re2
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from almenara.engine.expression import (
    MANY,
    ONE,
    And,
    Bool,
    Cidr,
    Compare,
    Exists,
    Field,
    Keyword,
    Listed,
    Node,
    Not,
    Null,
    Number,
    Or,
    Reference,
    Regex,
    Test,
    Text,
    TimePart,
)
from almenara.engine.reading.detections import compile_pattern

_WILDCARDS: Final = {SpecialChars.WILDCARD_MULTI: MANY, SpecialChars.WILDCARD_SINGLE: ONE}
_FLAGS: Final = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}


class Unsupported(Exception):
    """Something that parses but that this engine cannot evaluate; the check turns it into a fault."""


def expression_of(node: Any) -> Node:
    """The expression of a parsed condition. Raises Unsupported."""
    if isinstance(node, ConditionNOT):
        return Not(expression_of(node.args[0]))
    if isinstance(node, ConditionAND):
        return joined(And, [expression_of(arg) for arg in node.args])
    if isinstance(node, ConditionOR):
        return joined(Or, [expression_of(arg) for arg in node.args])
    if isinstance(node, ConditionFieldEqualsValueExpression):
        return _field(node.field, node.value)
    if isinstance(node, ConditionValueExpression):
        return _keyword(node.value)
    raise Unsupported(f"{type(node).__name__} in a condition is not supported")


def joined(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    """One node over the parts, those of the same kind taken in; a single part stands for itself."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, kind) else (part,)
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _field(path: str, value: Any) -> Node:
    if isinstance(value, SigmaExpansion):
        return joined(Or, [_field(path, part) for part in value.values])
    return Field(path, as_test(value))


def _keyword(value: Any) -> Node:
    if isinstance(value, SigmaExpansion):
        return joined(Or, [_keyword(part) for part in value.values])
    test = as_test(value)
    if isinstance(test, Text):
        return Keyword(Text(_open((MANY, *test.parts, MANY)), test.cased))
    if isinstance(test, Number | Regex):
        return Keyword(test)
    raise Unsupported(f"a keyword cannot be {type(test).__name__.lower()}; name a field")


def as_test(value: Any) -> Test:
    """The test of one of Sigma's typed values. Raises Unsupported."""
    if isinstance(value, SigmaString):
        return _text(value)
    if isinstance(value, SigmaTimestampPart):
        return TimePart(value.timestamp_part.name.lower(), int(value.number))
    if isinstance(value, SigmaNumber):
        return Number(value.number)
    if isinstance(value, SigmaBool):
        return Bool(bool(value))
    if isinstance(value, SigmaNull):
        return Null()
    if isinstance(value, SigmaExists):
        return Exists(bool(value.exists))
    if isinstance(value, SigmaRegularExpression):
        return _regex(value)
    if isinstance(value, SigmaCIDRExpression):
        return Cidr(str(value.network))
    if isinstance(value, SigmaCompareExpression):
        return Compare(value.op.name.lower(), value.number.number)
    if isinstance(value, SigmaFieldReference):
        return _reference(value)
    raise Unsupported(f"{type(value).__name__} values are not supported")


def _text(value: SigmaString) -> Test:
    cased = isinstance(value, SigmaCasedString)
    parts: list[str | int] = []
    for part in value.s:
        if isinstance(part, Placeholder):
            if len(value.s) == 1:
                return Listed(part.name)
            raise Unsupported("a placeholder needs `|expand` and a list of that name alone")
        parts.append(part if isinstance(part, str) else _WILDCARDS[part])
    return Text(_open(tuple(parts)), cased)


def _open(parts: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The same pattern with one MANY where several stand side by side."""
    return tuple(part for place, part in enumerate(parts) if part != MANY or place == 0 or parts[place - 1] != MANY)


def _regex(value: SigmaRegularExpression) -> Regex:
    pattern, flags = str(value.regexp.original), "".join(sorted(_FLAGS[flag] for flag in value.flags))
    try:
        compile_pattern(f"(?{flags}){pattern}" if flags else pattern)
    except re2.error as error:
        raise Unsupported(f"RE2 refuses the regular expression {pattern!r}: {error}") from error
    return Regex(pattern, flags)


def _reference(value: SigmaFieldReference) -> Reference:
    # pySigma keeps `contains` as both.
    if value.starts_with and value.ends_with:
        return Reference(value.field, "contains")
    if value.starts_with:
        return Reference(value.field, "startswith")
    return Reference(value.field, "endswith" if value.ends_with else "equals")
