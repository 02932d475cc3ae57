"""Texts with wildcards against their definition: `*` is any text, `?` one character, nothing else is special."""

import fnmatch
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.engine.expression import Field
from almenara.engine.matching import match
from almenara.engine.reading.expressions import value_of
from almenara.engine.reading.modifiers import Modifiers

ALPHABET = st.sampled_from("abAB*?.[](x\n")
PATTERNS = st.text(ALPHABET, max_size=6)
TEXTS = st.text(st.sampled_from("abAB.[](x\n"), max_size=8)


def meets(pattern: str, value: str | None) -> bool:
    node = value_of("f", Modifiers(), pattern)
    assert isinstance(node, Field)
    return match.test_of(node.test)(value)  # type: ignore[arg-type]


@settings(max_examples=1000, deadline=None)
@given(pattern=PATTERNS, text=TEXTS)
def test_wildcards_mean_what_they_say(pattern: str, text: str) -> None:
    by_definition = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern.casefold())
    expected = re.fullmatch(by_definition, text.casefold(), re.DOTALL) is not None
    assert meets(pattern, text) is expected


def test_the_definition_is_that_of_file_names() -> None:
    assert fnmatch.fnmatchcase("abc", "a*c") is meets("a*c", "abc") is True
    assert meets("*", "") is True
    assert meets("*", None) is False
    assert meets("**", "x") is True
