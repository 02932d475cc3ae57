"""A rule's condition as plain data: what the reader makes of Sigma, and what evaluators are made from.

Knows nothing of pySigma and nothing of how it is evaluated, so that a compiled ruleset can be stored and read back.
"""

from typing import Final

import msgspec

MANY: Final = 0
ONE: Final = 1
"""Wildcards between the literal parts of a text: any number of characters, and exactly one."""


class _Data(msgspec.Struct, frozen=True, gc=False):
    """What all nodes share: they are values."""


class Text(_Data, frozen=True, tag="text"):
    """The text is this: literal parts and wildcards in order. Case counts only when `cased`."""

    parts: tuple[str | int, ...]
    cased: bool = False


class Number(_Data, frozen=True, tag="number"):
    """The value is this number, or spells it."""

    value: int | float


class Bool(_Data, frozen=True, tag="bool"):
    """The value is this truth value, or spells it."""

    value: bool


class Null(_Data, frozen=True, tag="null"):
    """The field is absent, or all its values are null. An empty text is a value."""


class Exists(_Data, frozen=True, tag="exists"):
    """The field is there (a null is a value), or is not, as wanted."""

    wanted: bool


class Regex(_Data, frozen=True, tag="regex"):
    """RE2 finds the pattern somewhere in the text; `flags` are letters of i, m, s."""

    pattern: str
    flags: str = ""


class Cidr(_Data, frozen=True, tag="cidr"):
    """The value is an address inside this network (CIDR notation)."""

    network: str


class Compare(_Data, frozen=True, tag="compare"):
    """The number compares with `bound` as `op` (lt, lte, gt, gte) says."""

    op: str
    bound: int | float


class TimePart(_Data, frozen=True, tag="timepart"):
    """A part (minute, hour, day, week, month, year) of the moment, in UTC, compares with a number as `op` says.

    `op` is eq, lt, lte, gt or gte; weeks are those of ISO 8601.
    """

    part: str
    value: int
    op: str = "eq"


class Reference(_Data, frozen=True, tag="reference"):
    """The text compares with that of another field: `how` is equals, contains, startswith or endswith."""

    field: str
    how: str = "equals"
    cased: bool = False


class Listed(_Data, frozen=True, tag="listed"):
    """The value is an id, name or alias on the watchlist of this name, in an entry valid on the event's day."""

    name: str


class Until(_Data, frozen=True, tag="until"):
    """The event happened on this day (ISO, in its country's zone) or before."""

    day: str


Test = Text | Number | Bool | Null | Exists | Regex | Cidr | Compare | TimePart | Reference | Listed | Until


class Field(_Data, frozen=True, tag="field"):
    """Any value at the path meets the test."""

    path: str
    test: Test


class Keyword(_Data, frozen=True, tag="keyword"):
    """Any text or number anywhere in the event's data meets the test."""

    test: Text | Regex


class And(_Data, frozen=True, tag="and"):
    """All parts hold."""

    parts: tuple["Node", ...]


class Or(_Data, frozen=True, tag="or"):
    """Any part holds."""

    parts: tuple["Node", ...]


class Not(_Data, frozen=True, tag="not"):
    """The part does not hold."""

    part: "Node"


Node = Field | Keyword | And | Or | Not
