"""What is told of conditions without an event is true of every event: compared with the evaluator."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.expression import (
    MANY,
    ONE,
    And,
    Bool,
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
    Text,
)
from almenara.engine.matching.condition import compile_condition
from almenara.engine.matching.logic import NEVER, Logic
from almenara.engine.view import View
from almenara.engine.watchlist import parse

NOON = datetime(2030, 3, 1, 12, tzinfo=UTC)
LISTS = {
    "few": parse("few", "id,name,aliases\na,Ab,\nb,Ba,\n", "few.csv")[0],
    "none": parse("none", "id,name\n", "none.csv")[0],
}
ANY_VALUES = Logic(LISTS)
SINGLE = Logic(LISTS, lambda path: True)


def text(value: str, *, cased: bool = False) -> Text:
    """A text as a rule writes it, * and ? its wildcards."""
    parts: list[str | int] = []
    for letter in value:
        if letter in "*?":
            parts.append(MANY if letter == "*" else ONE)
        elif parts and isinstance(parts[-1], str):
            parts[-1] += letter
        else:
            parts.append(letter)
    return Text(tuple(parts), cased)


def f(test: Any, path: str = "f") -> Field:
    return Field(path, text(test) if isinstance(test, str) else test)


@pytest.mark.parametrize(
    ("node", "anyhow", "single"),
    [
        (And((f("a"), Not(f("a")))), True, True),
        (And((f("a"), Not(f("A")))), True, True),
        (And((f("a"), f("b"))), False, True),
        (And((f("a"), f("b", "g"))), False, False),
        (And((f("a"), Not(f("a*")))), True, True),
        (And((f("xay"), Not(f("*a*")))), True, True),
        (And((f("*xay*"), Not(f("*a*")))), True, True),
        (And((f("ab*"), Not(f("a*")))), True, True),
        (And((f("*ba"), Not(f("*a")))), True, True),
        (And((f("a*"), Not(f("ab*")))), False, False),
        (And((f("a*"), f("b*"))), False, True),
        (And((f("a*"), f("*b"))), False, False),
        (And((f(Null()), f("a"))), True, True),
        (And((f(Null()), f(Exists(True)))), False, False),
        (And((f(Exists(False)), f("a"))), True, True),
        (And((Not(f(Null())), f(Exists(False)))), True, True),
        (And((f(Compare("gte", 5)), f(Compare("lt", 5)))), False, True),
        (And((f(Compare("gte", 5)), Not(f(Compare("gt", 4))))), True, True),
        (And((f(Number(3)), Not(f(Compare("gte", 3))))), True, True),
        (And((f(Number(3)), f(Number(4)))), False, True),
        (f(Listed("none")), True, True),
        (Not(f(Listed("none"))), False, False),
        (And((f(Listed("few")), f("zz"))), False, True),
        (And((f(Listed("few")), f("AB"))), False, False),
        (And((Keyword(text("*abc*")), Not(Keyword(text("*b*"))))), True, True),
        (And((Or((f("a"), f("b"))), Not(f("a")), Not(f("b")))), True, True),
        (And((Or((f("a"), f("b"))), Not(f("a")))), False, False),
        (Not(Or((f("a"), Not(f("a"))))), True, True),
        (NEVER, True, True),
        (And((f("a"), NEVER)), True, True),
        (Or((f("a"), NEVER)), False, False),
    ],
    ids=str,
)
def test_what_can_never_hold(node: Node, anyhow: bool, single: bool) -> None:
    assert ANY_VALUES.never(node) is anyhow
    assert SINGLE.never(node) is single


def test_what_is_in_another() -> None:
    assert ANY_VALUES.implies(And((f("a"), f("b", "g"))), f("a"))
    assert not ANY_VALUES.implies(f("a"), And((f("a"), f("b", "g"))))
    assert ANY_VALUES.implies(f("a"), Or((f("a"), f("b"))))
    assert ANY_VALUES.same(Or((f("a"), And((f("a"), f("b", "g"))))), f("a"))
    assert ANY_VALUES.same(Not(And((f("a"), f("b")))), Or((Not(f("b")), Not(f("a")))))
    assert not ANY_VALUES.same(f("a"), f(text("a", cased=True)))
    assert ANY_VALUES.implies(f(text("a", cased=True)), f("A*"))


def test_what_is_too_involved_counts_as_possible() -> None:
    wide = [Or((f(f"a{n}", f"p{n}"), f(f"b{n}", f"p{n}"))) for n in range(40)]
    assert not ANY_VALUES.never(*wide, Or((And((f("x"), Not(f("x")))), And((f("y"), Not(f("y")))))), *wide)


TEXTS = st.sampled_from(["", "a", "A", "ab", "b", "ba", "a*", "*a", "*a*", "a?", "?", "*", "*b*a*", "3", "aß", "ASS"])
TESTS = st.one_of(
    st.builds(text, TEXTS, cased=st.booleans()),
    st.builds(Compare, st.sampled_from(["lt", "lte", "gt", "gte"]), st.integers(2, 4)),
    st.builds(Number, st.integers(2, 4)),
    st.builds(Bool, st.booleans()),
    st.builds(Exists, st.booleans()),
    st.just(Null()),
    st.builds(Listed, st.sampled_from(["few", "none"])),
)
LEAVES = st.one_of(
    st.builds(Field, st.sampled_from(["f", "g"]), TESTS),
    st.builds(Keyword, st.builds(text, st.sampled_from(["*a*", "*ab*", "*b*"]))),
)
NODES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)
SCALARS = st.sampled_from(["", "a", "A", "ab", "AB", "b", "ba", "bba", "3", 2, 3, 4, 2.5, True, False, None, "as", "ß"])
MISSING = object()
SINGLES = st.fixed_dictionaries({}, optional={"f": SCALARS, "g": SCALARS})
MANYS = st.fixed_dictionaries({}, optional={"f": st.lists(SCALARS, max_size=3), "g": SCALARS})


def holds(node: Node, data: dict[str, Any]) -> bool:
    event = Event(id="1", source="t", type="x", time=NOON, recorded=NOON, country="PER", data=data)
    return compile_condition(node, LISTS).holds(View(event, {}))


@settings(max_examples=400, deadline=None)
@given(NODES, NODES, st.lists(SINGLES, min_size=1, max_size=6), st.lists(MANYS, min_size=1, max_size=6))
def test_what_is_said_is_true_of_every_event(
    one: Node, other: Node, singles: list[dict[str, Any]], manys: list[dict[str, Any]]
) -> None:
    for logic, events in ((SINGLE, singles), (ANY_VALUES, [*singles, *manys])):
        never, implied = logic.never(one), logic.implies(one, other)
        for data in events:
            met = holds(one, data)
            assert not (never and met), (one, data)
            assert not (implied and met and not holds(other, data)), (one, other, data)
