"""The engine against the definition: the specification read once more, straight from the rule's text, and nothing else.

The reading here is small and slow on purpose: it knows neither expressions nor views nor sieves, and no pySigma.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sigma_rules import met

Event = Mapping[str, Any]

# The definition


def values_at(event: Any, path: str) -> list[Any]:
    """All values at a path; a list means its elements, and there is no value where there is no field."""
    if isinstance(event, list):
        return [found for item in event for found in values_at(item, path)]
    if not path:
        return [event]
    if not isinstance(event, dict):
        return []
    if path in event:
        return values_at(event[path], "")
    head, _, rest = path.partition(".")
    return values_at(event[head], rest) if rest and head in event else []


def spelled(value: Any) -> str | None:
    """A value as text; objects and null have none."""
    if value is None or isinstance(value, dict):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def pattern(text: str) -> str:
    """A text of a rule as a regular expression: `*`, `?`, and a backslash before one of them or before another."""
    made, rest = "", text
    while rest:
        if rest[0] == "\\" and rest[1:2] in ("*", "?", "\\") and rest[1:2]:
            made, rest = made + re.escape(rest[1]), rest[2:]
        else:
            made, rest = made + {"*": ".*", "?": "."}.get(rest[0], re.escape(rest[0])), rest[1:]
    return made


def number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None or isinstance(value, dict):
        return None
    return float(value) if re.fullmatch(r"[+-]?\d+(\.\d+)?", str(value)) else None


def compares(found: Any, modifiers: list[str], wanted: Any) -> bool:
    """Whether one value of an event meets one value of a rule."""
    text, numeric = spelled(found), number(found)
    for name, holds in (("lt", "<"), ("lte", "<="), ("gt", ">"), ("gte", ">=")):
        if name in modifiers:
            below = numeric is not None and numeric < wanted
            same = numeric is not None and numeric == wanted
            return {"<": below, "<=": below or same, ">": numeric is not None and not (below or same),
                    ">=": numeric is not None and not below}[holds]  # fmt: skip
    if text is None:
        return False
    if "re" in modifiers:
        return re.search(wanted, text, re.IGNORECASE if "i" in modifiers else 0) is not None
    if isinstance(wanted, bool):
        return found is wanted or (isinstance(found, str) and found.lower() == str(wanted).lower())
    if isinstance(wanted, int | float):
        return numeric == wanted
    around = {"contains": ".*{}.*", "startswith": "{}.*", "endswith": ".*{}"}
    shape = next((around[name] for name in modifiers if name in around), "{}")
    flags = re.DOTALL if "cased" in modifiers else re.DOTALL | re.IGNORECASE
    return re.fullmatch(shape.format(pattern(wanted)), text, flags) is not None


def refers(event: Event, path: str, modifiers: list[str], other: str) -> bool:
    pairs = [(spelled(a), spelled(b)) for a in values_at(event, path) for b in values_at(event, other)]
    texts = [(a, b) if "cased" in modifiers else (a.lower(), b.lower()) for a, b in pairs if None not in (a, b)]  # type: ignore[union-attr]
    if "contains" in modifiers:
        return any(b in a for a, b in texts)
    if "startswith" in modifiers:
        return any(a.startswith(b) for a, b in texts)
    return any(a.endswith(b) if "endswith" in modifiers else a == b for a, b in texts)


def field_holds(event: Event, key: str, wanted: Any) -> bool:
    """One line of a selection: a field with its modifiers, and one value or several."""
    path, *modifiers = key.split("|")
    found = values_at(event, path)

    def one(value: Any) -> bool:
        if "exists" in modifiers:
            return bool(found) is value
        if value is None:
            return all(item is None for item in found)
        if "fieldref" in modifiers:
            return refers(event, path, modifiers, value)
        if not path:
            return any(compares(item, modifiers or ["contains"], str(value)) for item in leaves(event))
        return any(compares(item, modifiers, value) for item in found)

    answers = [one(value) for value in (wanted if isinstance(wanted, list) else [wanted])]
    joined = all(answers) if "all" in modifiers else any(answers)
    return not joined if "neq" in modifiers else joined


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        return [leaf for inner in (value.values() if isinstance(value, dict) else value) for leaf in leaves(inner)]
    return [value]


def selection_holds(event: Event, selection: Any) -> bool:
    if isinstance(selection, dict):
        return all(field_holds(event, key, value) for key, value in selection.items())
    if isinstance(selection, list) and any(isinstance(item, dict) for item in selection):
        return any(selection_holds(event, item) for item in selection)
    return field_holds(event, "", selection)


def condition_holds(tree: Any, answers: Mapping[str, bool]) -> bool:
    """A condition as ("and", left, right), ("not", inner), ("1 of", pattern) or a name."""
    if isinstance(tree, str):
        return answers[tree]
    word, *parts = tree
    if word in ("1 of", "all of"):
        met_ = [a for n, a in answers.items() if not n.startswith("_") and (parts[0] == "them" or fnmatch(n, parts[0]))]
        return any(met_) if word == "1 of" else all(met_)
    inner = [condition_holds(part, answers) for part in parts]
    return not inner[0] if word == "not" else all(inner) if word == "and" else any(inner)


def written(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    word, *parts = tree
    if word in ("1 of", "all of"):
        return f"{word} {parts[0]}"
    return f"not ({written(parts[0])})" if word == "not" else f"({f' {word} '.join(map(written, parts))})"


# Rules and events

FIELDS = st.sampled_from(["f", "g", "h.i", "h"])
TEXTS = st.sampled_from(["a", "b", "ab", "A", "aB", "a*", "?b", "*", "", r"a\*", r"\\", r"\\*b", "1", "true", "a.b"])
FOUND = st.sampled_from(["a", "b", "ab", "aB", "AB", "xaby", "a*", "\\", "\\b", "", "1", "2", "true", "a.b", "a\nb"])
SCALARS = FOUND | st.sampled_from([1, 2, 2.5, True, False, None])
NUMBERS = st.sampled_from([1, 2, 2.5])


def one_or_some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=1, max_size=3)


def line(modifiers: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    links = st.sampled_from([[], [], ["all"], ["neq"], ["neq", "all"]])
    names = st.sampled_from(modifiers)
    key = st.builds(lambda field, name, link: "|".join([field, *filter(None, [name]), *link]), FIELDS, names, links)
    return st.builds(lambda k, v: {k: v}, key, one_or_some(values))


PLACED = ["contains", "startswith", "endswith", "cased", "contains|cased", "cased|endswith"]
LINES = st.one_of(
    line([""], TEXTS | st.sampled_from([1, 2, 2.5, True, False, None])),
    line(PLACED, TEXTS),
    line(["lt", "lte", "gt", "gte"], NUMBERS),
    line(["re", "re|i"], st.sampled_from(["a", "^a", "b$", "^ab?$", "[1-2]", "a|2"])),
    line(["exists"], st.booleans()),
    line(["fieldref", "fieldref|contains", "startswith|fieldref", "fieldref|endswith", "fieldref|cased"], FIELDS),
)
MAPS = st.lists(LINES, min_size=1, max_size=3).map(lambda parts: {k: v for part in parts for k, v in part.items()})
WORDS = st.sampled_from(["a", "ab", "b*", 1, 2])
SELECTIONS = MAPS | st.lists(MAPS | WORDS, min_size=1, max_size=3) | WORDS
NAMES = ["s1", "s2", "_s3"]
CONDITIONS = st.recursive(
    st.sampled_from([*NAMES, ("1 of", "s*"), ("all of", "s*"), ("1 of", "them"), ("all of", "them"), ("1 of", "*2")]),
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=5,
)
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("fghi"), inner), max_leaves=4
)
EVENTS = st.dictionaries(st.sampled_from(["f", "g", "h", "h.i"]), DATA, max_size=4)


@settings(max_examples=400, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, SELECTIONS)), CONDITIONS, st.lists(EVENTS, min_size=1, max_size=6))
def test_what_the_engine_says_is_what_the_specification_says(
    selections: dict[str, Any], tree: Any, events: list[dict[str, Any]]
) -> None:
    expected = [
        condition_holds(tree, {name: selection_holds(event, part) for name, part in selections.items()})
        for event in events
    ]
    assert met({**selections, "condition": written(tree)}, *events) == expected
