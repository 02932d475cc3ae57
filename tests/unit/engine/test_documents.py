"""YAML with places: what is read, at which line it stands, and what is refused at once."""

import random
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.errors import Fault
from almenara.engine.reading.documents import MAX_BYTES, MAX_DEPTH, read

# Refusals must come before any work that grows with what a document stands for; a bomb would run for minutes.
pytestmark = pytest.mark.timeout(20)

_LETTERS = "abcdefghi"
BOMB = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in pairwise(_LETTERS)
)


def only_fault(text: str | bytes) -> Fault:
    _, faults = read(text, "rules/x.yml")
    assert len(faults) == 1, faults
    assert faults[0].file == "rules/x.yml"
    assert faults[0].cure
    return faults[0]


def data(text: str | bytes) -> Any:
    documents, faults = read(text, "x.yml")
    assert faults == []
    assert len(documents) == 1
    return documents[0].data


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (BOMB, 2, "alias"),
        ("a: &a [*a]\n", 1, "alias"),
        ("a: 1\nb: &b\n  c: *b\n", 3, "alias"),
        ("a: &x {k: 1}\nb:\n  <<: *x\n", 3, "alias"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands twice"),
        ("a:\n  k: 1\n  k: 2\n", 3, "'k' stands twice"),
        ("1: a\n'1': b\n", 2, "'1' stands twice"),
        ("a: 1\nb: !!python/object/apply:os.system [x]\n", 2, "tag"),
        ("a: 1\nb: !custom x\n", 2, "tag !custom"),
        ("a: !!binary aGk=\n", 1, "tag"),
        ("a: 1\nb: .nan\n", 2, "not a finite number"),
        ("a: 1\n\nb: [1, -.inf]\n", 3, "not a finite number"),
        ("? [a]\n: 1\n", 1, "a key must be plain text"),
        ("a: 1\nb: [\n", 3, "not YAML"),
        ("\ta: 1\n", 1, "not YAML"),
        ("a: 1\nb: \x00\n", 2, "U+0000"),
        ("a: 1\nb: \ud800\n", 2, "U+D800"),
        (b"a: 1\nb: \xff\xfe\n", 2, "not UTF-8"),
        (b"a: 1\nb: \xc3(\n", 2, "not UTF-8"),
        ("a: 1\nb: !!int x\n", 2, "'x' is no int"),
        ("a: 1\nb: !!bool maybe\n", 2, "'maybe' is no bool"),
        ("a: 0b_\n", 1, "is no int"),
        ("a: " + "9" * 5_000 + "\n", 1, "is no int"),
        ("a: 1\nb: " + "[" * 100 + "]" * 100, 2, "nested deeper"),
        ("a: 1\nb: " + "[" * 900_000 + "]" * 900_000, 2, "nested deeper"),
        ("- " * 500_000 + "x", 1, "nested deeper"),
        ("\n".join("  " * n + "a:" for n in range(200)), MAX_DEPTH + 2, "nested deeper"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_refused(text: str | bytes, line: int, what: str) -> None:
    fault = only_fault(text)
    assert what in fault.what
    assert fault.line == line


def test_the_bomb_is_the_small_one() -> None:
    assert len(BOMB) < 400


def test_a_text_that_is_too_large_is_not_read() -> None:
    assert "larger than" in only_fault("a: " + "x" * MAX_BYTES).what


def test_as_deep_as_allowed_is_read() -> None:
    assert data("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH)


@pytest.mark.parametrize("bad", ["title: [", "a: &a [*a]", "a: 1\na: 2", "[" * 60, "a: .inf"])
def test_documents_before_a_fault_are_still_given(bad: str) -> None:
    documents, faults = read(f"title: one\n---\ntitle: two\n---\n{bad}\n", "x.yml")
    assert [document.data for document in documents] == [{"title": "one"}, {"title": "two"}]
    assert len(faults) == 1
    assert faults[0].line >= 5


def test_scalars_are_what_they_look_like() -> None:
    assert data("{a: 22:00, b: 1:30.5, c: 2025-01-01, d: 'x', e: 7, f: 0.5, g: true, h: null, i: ~, j: '', k: =}") == {
        "a": "22:00", "b": "1:30.5", "c": "2025-01-01", "d": "x", "e": 7, "f": 0.5,
        "g": True, "h": None, "i": None, "j": "", "k": "=",
    }  # fmt: skip


def test_a_byte_order_mark_and_empty_documents_are_harmless() -> None:
    assert data(b"\xef\xbb\xbfa: 1\n") == {"a": 1}
    for empty in ("", "# nothing\n", "---\n---\n"):
        assert read(empty, "x.yml") == ([], [])


def test_every_path_has_its_place() -> None:
    document = read("title: x\ndetection:\n  sel:\n    - a: 1\n      'b|re': 2\n", "x.yml")[0][0]
    assert document.place("title") == (1, 1)
    assert document.place("detection", "sel") == (3, 3)
    assert document.place("detection", "sel", 0, "b|re") == (5, 7)
    assert document.line("detection", "sel", 0, "missing", "deeper") == 4
    assert document.line("missing") == 1
    fault = document.fault(("detection", "sel"), "wrong", "mend it")
    assert str(fault) == "x.yml:3:3: wrong -- mend it"


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.text(st.characters(codec="ascii", min_codepoint=32)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz.|", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(plain.filter(lambda value: value is not None))
def test_plain_data_comes_back(value: Any) -> None:
    assert data(yaml.safe_dump(value, width=10_000)) == value


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_no_text_does_more_than_give_faults(text: str | bytes) -> None:
    _, faults = read(text, "x.yml")
    assert len(faults) <= 1


@given(st.integers())
def test_no_mixture_of_signs_does_more_than_give_faults(seed: int) -> None:
    signs = random.Random(seed).choices("abc:- \n[]{}&*!|>'\"#%@?,<=~0.1\t", k=80)
    documents, faults = read("".join(signs), "x.yml")
    assert len(faults) <= 1
    for document in documents:
        assert document.place() >= (1, 1)
