"""The sieve lets every rule through that holds: compared with plain evaluation on random rules and events."""

import json
from datetime import UTC, datetime
from typing import Any

import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.expression import Field, Regex
from almenara.engine.matching.condition import compile_condition
from almenara.engine.matching.sieve import fold_bytes
from almenara.engine.matching.witness import Kind, witnesses
from almenara.engine.rule import SingleRule
from almenara.engine.ruleset import Content, Ruleset, build
from almenara.engine.view import View
from case_run import shipped

NOW = datetime(2030, 3, 1, tzinfo=UTC)
LIST = "id,name,aliases\np-1,José Ñandú,Pepe|J. Ñ.\nÉ-2,Straße,\n"
ODD = [
    "",
    "5",
    " 5.0 ",
    "ſ",
    "s",
    "ŉ",
    "µ",
    "μ",
    "Ω",
    "\u2126",
    "ﬁ",
    "fi",
    "K",
    "k",
    "true",
    "TRUE",
    "x\ny",
    "日本",
    "日",
]
TEXTS = st.sampled_from(
    ["a", "A", "b", "ab aB", "straße", "STRASSE", "Straße", "pepe", "p-1", "P-1", "é-2", "É-2", *ODD]
)
PATHS = ("x", "y", "z.w", "z", "z.w.v")
FIELDS = st.sampled_from(PATHS)
VALUES = st.one_of(
    TEXTS, st.sampled_from([5, 5.0, True, None, "a*", "*b", "?", "a*b", "*"]), st.lists(TEXTS, min_size=1, max_size=3)
)
PLAIN = st.dictionaries(FIELDS, VALUES, min_size=1, max_size=2)
MODIFIED = st.dictionaries(
    st.builds(str.__add__, FIELDS, st.sampled_from(["|contains", "|cased", "|startswith", "|endswith", "|windash"])),
    st.one_of(TEXTS.filter(bool), st.lists(TEXTS.filter(bool), min_size=1, max_size=2)),
    min_size=1,
    max_size=2,
)
PATTERNS = st.sampled_from(
    [
        "a",
        "a+",
        "ab?",
        "^a",
        "s$",
        "(?i)K",
        "a|b",
        "[ab]b",
        "st(r|x)a",
        r"\x61",
        r"\.",
        "a{0}b",
        r"\pLa",
        "stra.e",
        r"\Qa\E",
    ]
)
PATTERNED = st.builds(
    lambda field, flag, text: {f"{field}|re{flag}": text}, FIELDS, st.sampled_from(["", "|i"]), PATTERNS
)
NUMBERED = st.builds(
    lambda field, op, number: {f"{field}|{op}": number},
    FIELDS,
    st.sampled_from(["gt", "gte", "lt", "lte"]),
    st.integers(4, 6),
)
EXISTING = st.builds(lambda field, wanted: {f"{field}|exists": wanted}, FIELDS, st.booleans())
REFERRING = st.builds(lambda field, other: {f"{field}|fieldref": other}, FIELDS, FIELDS)
KEYWORDS = st.lists(TEXTS.filter(bool), min_size=1, max_size=2)
LISTED = st.builds(lambda field: {f"{field}|expand": "%people%"}, FIELDS)
SELECTION = st.one_of(PLAIN, PLAIN, MODIFIED, MODIFIED, PATTERNED, NUMBERED, EXISTING, REFERRING)
SELECTIONS = st.one_of(SELECTION, SELECTION, LISTED, KEYWORDS, st.lists(SELECTION, min_size=1, max_size=2))
CONDITIONS = st.sampled_from(
    ["a", "not a", "a and b", "a or b", "a and not b", "not (a or b)", "1 of them", "all of them"]
)
LEAVES = st.one_of(TEXTS, st.sampled_from([5, 5.0, 4, True, None]), st.lists(st.one_of(TEXTS, st.none()), max_size=2))
DATA = st.fixed_dictionaries(
    {},
    optional={
        "x": LEAVES,
        "y": LEAVES,
        "z": st.one_of(LEAVES, st.fixed_dictionaries({"w": LEAVES}), st.just([{"w": "a"}, {"w": {"v": "b"}}])),
        "z.w": LEAVES,
    },
)


def ruleset(rules: list[tuple[Any, Any, str]]) -> Ruleset:
    documents = [
        {
            "title": f"t{number}",
            "name": f"t{number}",
            "logsource": {"product": "almenara"},
            "detection": {"a": first, "b": second, "condition": condition},
        }
        for number, (first, second, condition) in enumerate(rules)
    ]
    files = {f"rules/{number}.yml": json.dumps(document) for number, document in enumerate(documents)}
    return build(Content({**files, "watchlists/people.csv": LIST}))


def event_with(data: dict[str, Any]) -> Event:
    return Event(id="1", source="t", type="x", time=NOW, recorded=NOW, country="XAL", data=data)


def agree(made: Ruleset, data: dict[str, Any]) -> list[int]:
    rules = [rule for rule in made.rules if isinstance(rule, SingleRule)]
    names = [rule.name for rule in rules]
    view = View(made.enricher.enrich(event_with(data)), made.zones)
    oracle = [compile_condition(rule.expression, made.lists).holds(view) for rule in rules]
    holding = [number for number, holds in enumerate(oracle) if holds]
    assert [made.matcher.conditions[name].holds(view) for name in names] == oracle
    passing = [names.index(rule.name) for rule, _ in made.matcher.candidates(view.event)]
    assert set(holding) <= set(passing)
    assert passing == sorted(passing)
    return passing


@settings(max_examples=600, deadline=None)
@given(
    rules=st.lists(st.tuples(SELECTIONS, SELECTIONS, CONDITIONS), min_size=1, max_size=4),
    events=st.lists(DATA, min_size=1, max_size=4),
)
def test_no_rule_that_holds_is_held_back(rules: list[tuple[Any, Any, str]], events: list[dict[str, Any]]) -> None:
    made = ruleset(rules)
    for data in events:
        agree(made, data)


def test_rules_that_want_other_values_are_held_back() -> None:
    made = ruleset(
        [
            ({"x": "a"}, {"y": "b"}, "a and b"),
            ({"x": ["b", "c"]}, {"y": "q"}, "a or b"),
            ({"x|contains": "a"}, {"y": "b"}, "a"),
            ({"x|re": "zq+"}, {"y": "b"}, "a"),
            ({"n|gte": 5}, {"y": "b"}, "a"),
            ({"x|contains": "z"}, {"y": "b"}, "a"),
            ({"x": "a"}, {"y": "b"}, "not a"),
        ]
    )
    assert agree(made, {"x": "zz", "y": "zz", "n": 4}) == [5, 6]  # what is negated is always asked


@given(first=st.text(max_size=6), before=st.text(max_size=3), after=st.text(max_size=3))
def test_folded_bytes_keep_what_is_equal_and_what_is_a_part(first: str, before: str, after: str) -> None:
    assert fold_bytes(first.upper()) == fold_bytes(first.upper().casefold())
    assert fold_bytes(first) == fold_bytes(first.casefold())
    assert fold_bytes(first) in fold_bytes(before + first + after)


@settings(max_examples=500)
@given(
    pattern=st.text(st.sampled_from(r"ab\d.[]^$|?*+(){}1,-xQE:"), max_size=8),
    text=st.text(st.sampled_from("abd1 x.-"), max_size=8),
)
def test_what_a_pattern_is_said_to_need_stands_in_every_match(pattern: str, text: str) -> None:
    try:
        met = re2.search(pattern, text) is not None
    except re2.error:
        return
    (((probe,),),) = witnesses([Field("x", Regex(pattern))])
    if met and probe.kind == Kind.PART:
        assert str(probe.wanted) in text.casefold()


def test_every_shipped_rule_is_asked_only_where_something_of_it_stands() -> None:
    rules = [rule for rule in shipped().ruleset.rules if isinstance(rule, SingleRule)]
    assert all(witnesses([rule.expression for rule in rules]))
