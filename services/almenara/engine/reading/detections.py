"""A rule's detection as its document has it: every item and every name by itself, each at its place.

pySigma stops at the first fault of a detection; whoever mends a rule wants to see all of them at once.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import re2
import sigma.exceptions as sigma_errors
from sigma.modifiers import modifier_mapping
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RE2RegexEngine
from sigma.rule import SigmaDetectionItem

from almenara.domain.errors import Fault
from almenara.engine.reading.documents import Document, Path

_KEYWORDS: Final = frozenset({"and", "or", "not", "of", "1", "all", "any", "them"})
_WORD: Final = re.compile(r"[\w*-]+")
_LISTED: Final = re.compile(r"%([^%]+)%")
_NO_LOOKAROUND: Final = "RE2 has no look-around and no back-references; say it with two items and `not`"


def compile_pattern(pattern: str) -> Any:
    """The RE2 pattern, nothing written to standard error. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


class _QuietRE2(RE2RegexEngine):
    """pySigma's own engine, without RE2's lines on standard error: a fault says it already."""

    def compile(self, pattern: str, flags: int = 0) -> Any:
        letters = "".join(letter for flag, letter in ((re.I, "i"), (re.M, "m"), (re.S, "s")) if flags & flag)
        return compile_pattern(f"(?{letters}){pattern}" if letters else pattern)


POLICY: Final = SigmaPolicy(regex_engine=_QuietRE2())


def items_of(document: Document) -> list[str]:
    """The names of the detection's items, in order."""
    detection = document.data.get("detection")
    return [name for name in detection if name != "condition"] if isinstance(detection, Mapping) else []


def named_in(condition: str, items: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Each word of a condition that names items, with the items it names; `them` names all but `_private` ones."""
    found: dict[str, tuple[str, ...]] = {}
    for word in _WORD.findall(condition):
        if word == "them":
            found[word] = tuple(item for item in items if not item.startswith("_"))
        elif word in items or word not in _KEYWORDS:
            found[word] = tuple(item for item in items if item == word or ("*" in word and fnmatchcase(item, word)))
    return found


def conditions_of(document: Document) -> list[str]:
    """The condition as written; several where it is a list, none where it is no text."""
    detection = document.data.get("detection")
    raw = detection.get("condition") if isinstance(detection, Mapping) else None
    return [text for text in (raw if isinstance(raw, list) else [raw]) if isinstance(text, str)]


def condition_faults(document: Document) -> list[Fault]:
    """Several conditions instead of one, and every name in them that is no item of the detection."""
    items, conditions = items_of(document), conditions_of(document)
    unknown = [word for text in conditions for word, met in named_in(text, items).items() if not met]
    several = document.fault(("detection", "condition"), "a list of conditions", "join them with `or`")
    return [several] * (len(conditions) > 1) + [
        document.fault(
            ("detection", "condition"),
            f"the condition names '{word}', which is no item of the detection",
            nearest(word, items, f"items: {', '.join(items) or 'none'}"),
        )
        for word in dict.fromkeys(unknown)
    ]


def item_faults(document: Document) -> list[Fault]:
    """Every field of the detection that Sigma refuses by itself: unknown modifiers, values that do not go with them."""
    faults = []
    for path, key, value in _fields(document):
        try:
            SigmaDetectionItem.from_mapping(key, value, policy=POLICY)
        except (sigma_errors.SigmaError, TypeError, ValueError, AttributeError, KeyError) as error:
            faults.append(_item_fault(document, path, error))
    return faults


def list_faults(document: Document, lists: Collection[str]) -> list[Fault]:
    """Every watchlist that the detection looks into and that is not there."""
    faults = []
    for path, key, value in _fields(document):
        if key is None or "expand" not in key.split("|")[1:]:
            continue
        for text in value if isinstance(value, list) else [value]:
            name = _LISTED.fullmatch(text) if isinstance(text, str) else None
            if name is not None and name[1] not in lists:
                cure = nearest(name[1], lists, f"add watchlists/{name[1]}.csv")
                faults.append(document.fault(path, f"no watchlist is named '{name[1]}'", cure))
    return faults


def _fields(document: Document) -> Iterator[tuple[Path, str | None, Any]]:
    """Every field with its modifiers and its value; the key is None for keywords."""
    detection = document.data.get("detection")
    for name in items_of(document):
        yield from _below(("detection", name), detection[name])


def _below(path: Path, value: Any) -> Iterator[tuple[Path, str | None, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield (*path, key), key, inner
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for index, inner in enumerate(value):
            yield from _below((*path, index), inner)
    else:
        yield path, None, value


def _item_fault(document: Document, path: Path, error: Exception) -> Fault:
    text, cure = str(error).rstrip("."), ""
    if isinstance(error, sigma_errors.SigmaRegularExpressionError):
        said, between, why = text.rpartition(" is invalid: ")
        text = said + between + (why[2:-1] if why.startswith(("b'", 'b"')) else why)
        cure = _NO_LOOKAROUND if "perl operator" in why else "check its brackets and escapes (RE2 syntax)"
    elif text.startswith("Unknown modifier"):
        word = text.split()[-1].strip("'\"")
        cure = nearest(word, modifier_mapping, "docs/rules.md names the modifiers")
    return document.fault(path, text, cure)


def nearest(word: str, known: Collection[str], otherwise: str) -> str:
    """The cure for a name that is not known."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean '{near[0]}'?" if near else otherwise
