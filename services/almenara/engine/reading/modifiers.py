"""The modifiers behind a field's name (`field|contains|all`): which there are, and which go together.

What pySigma takes and half forgets (`re|startswith`, `cidr|contains`, `cased|base64`) is meant here or refused.
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sigma.modifiers import modifier_mapping

PLACES: Final = ("contains", "startswith", "endswith")
ENCODINGS: Final = ("wide", "utf16", "utf16be", "base64", "base64offset", "windash")
COMPARISONS: Final = ("lt", "lte", "gt", "gte")
TIME_PARTS: Final = ("minute", "hour", "day", "week", "month", "year")
REGEX_FLAGS: Final = ("i", "m", "s")
LINKS: Final = ("all", "neq")
"""What links a field's values instead of changing them; goes with everything."""

TEXTUAL: Final = frozenset((*PLACES, *ENCODINGS, "cased", "re", "cidr", "fieldref", "expand"))
NUMERIC: Final = frozenset((*COMPARISONS, *TIME_PARTS))

# The specification's other names for the same.
_ALIASES: Final = {"utf16le": "wide", "ignorecase": "i", "multiline": "m", "dotall": "s"}

# What may stand beside a modifier that says what kind of comparison it is.
_BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "re": (*PLACES, *REGEX_FLAGS),
    "fieldref": (*PLACES, "cased"),
    "cidr": (),
    "exists": (),
    "expand": (),
    **dict.fromkeys(COMPARISONS, TIME_PARTS),
    **dict.fromkeys(TIME_PARTS, COMPARISONS),
}
_CURES: Final[Mapping[str, str]] = {
    "re": "a regular expression is read as it stands; leave the other away (|i ignores case)",
    "fieldref": "two fields compare as texts: contains, startswith, endswith, cased",
    "cidr": "a network is compared as a whole; write |cidr alone",
    "exists": "write |exists alone; say more of the field in a key of its own",
    "expand": "a list is compared as a whole, and without case; write |expand alone",
    **dict.fromkeys(COMPARISONS, "for a range write two keys: field|gt and field|lte"),
    **dict.fromkeys(TIME_PARTS, "write one part of the time, and lt, lte, gt or gte behind it"),
}


class Unsupported(Exception):
    """Something that parses but that has no meaning here; the check turns it into a fault, with the cure."""

    def __init__(self, what: str, cure: str = "") -> None:
        self.what, self.cure = what, cure
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Modifiers:
    """The modifiers of one field, in the order in which they were written."""

    names: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def one_of(self, names: Collection[str]) -> str:
        """The first modifier that is one of these, or an empty text."""
        return next((name for name in self.names if name in names), "")


def read_key(key: str) -> tuple[str, Modifiers]:
    """The field's name (empty for keywords) and its modifiers. Raises Unsupported."""
    field, *written = key.split("|")
    for name in written:
        if name not in modifier_mapping and name not in _ALIASES:
            known = [*modifier_mapping, *_ALIASES]
            raise Unsupported(f"Unknown modifier '{name}'", nearest(name, known, "docs/sigma.md names the modifiers"))
    modifiers = Modifiers(tuple(_ALIASES.get(name, name) for name in written))
    _check(modifiers)
    return field, modifiers


def nearest(word: str, known: Collection[str], otherwise: str) -> str:
    """The cure for a name that is not known."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean '{near[0]}'?" if near else otherwise


def _check(modifiers: Modifiers) -> None:
    names = [name for name in modifiers.names if name not in LINKS]
    kind = modifiers.one_of(_BESIDE)
    for name in names:
        if kind and name != kind and name not in _BESIDE[kind]:
            raise Unsupported(f"|{name} does not go with |{kind}", _CURES.get(kind, ""))
        if not kind and name in REGEX_FLAGS:
            raise Unsupported(f"|{name} is a flag of regular expressions", f"write |re|{name}")
    for group, cure in ((PLACES, "write |contains, or two keys"), (TIME_PARTS, "write two keys")):
        several = [name for name in names if name in group]
        if len(several) > 1:
            raise Unsupported(f"|{several[0]} and |{several[1]} in one key", cure)
    comparisons = [name for name in names if name in COMPARISONS]
    if len(comparisons) > 1:
        raise Unsupported(f"|{comparisons[0]} and |{comparisons[1]} in one key", _CURES["lt"])
