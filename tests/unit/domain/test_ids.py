"""Ids follow from content, and a mistyped citation is told apart from an unknown one."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.ids import canonical, cite, content_id, is_cite

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
# half a surrogate pair is no text, and has no bytes
texts = st.text(st.characters(exclude_categories=["Cs"]))
places = st.sampled_from([4, 5, 6, 7, 9, 10, 11, 12])  # the eight symbols of ALM-4K7Q-9XTD


def shuffled(value: Any) -> Any:
    """The same value with the keys of every object in reverse order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(json_values)
def test_the_same_content_gives_the_same_id_whatever_the_order_of_keys(value: Any) -> None:
    assert content_id("x", value) == content_id("x", shuffled(value))
    assert canonical(value) == canonical(shuffled(value))


@given(json_values, json_values)
def test_other_content_gives_another_id(one: Any, other: Any) -> None:
    assert (content_id(one) == content_id(other)) == (canonical(one) == canonical(other))


@given(st.lists(json_values | texts, max_size=5))
def test_an_id_is_read_off_the_digest_of_the_canonical_parts(parts: list[Any]) -> None:
    number = int.from_bytes(hashlib.sha256(canonical(parts)).digest()[:17], "big") >> 6
    symbols = [ALPHABET[number >> 5 * place & 31].lower() for place in reversed(range(26))]
    assert content_id(*parts) == "".join(symbols)


def test_parts_do_not_run_together() -> None:
    assert len({content_id("ab", "c"), content_id("a", "bc"), content_id("abc"), content_id("a", "b", "c")}) == 4


@given(json_values)
def test_an_id_is_26_symbols_that_bear_any_place(value: Any) -> None:
    uid = content_id(value)
    assert len(uid) == 26
    assert set(uid) <= set(ALPHABET.lower())


def test_ids_are_these_for_ever() -> None:
    at = datetime(2030, 3, 1, 12, tzinfo=UTC)
    assert content_id("alert", "rule", "PER", {"official": "o-1"}, 3, None, at) == "q31y0cv6n99mfbf2m48hrvthwh"
    assert cite("2v9c7h4n00000000000000000q") == "ALM-T9A4-DCND"


def test_canonical_has_one_spelling_and_no_nan() -> None:
    assert canonical({"b": [1, 2.5, None, True], "a": "ñ"}) == '{"a":"ñ","b":[1,2.5,null,true]}'.encode()
    for odd in (float("nan"), float("inf"), [{"x": float("-inf")}]):
        with pytest.raises(ValueError):
            canonical(odd)


@given(texts)
def test_every_citation_holds_however_it_is_typed(uid: str) -> None:
    text = cite(uid)
    assert is_cite(text)
    assert is_cite(text.lower())
    assert is_cite(text.removeprefix("ALM-").replace("-", ""))


@given(texts, places, st.sampled_from(ALPHABET))
def test_every_single_wrong_symbol_is_caught(uid: str, place: int, symbol: str) -> None:
    right = cite(uid)
    wrong = right[:place] + symbol + right[place + 1 :]
    assert is_cite(wrong) == (wrong == right)


@given(texts, st.sampled_from([(4, 5), (5, 6), (6, 7), (7, 9), (9, 10), (10, 11)]))
def test_swapped_neighbours_are_caught_unless_they_lie_half_the_alphabet_apart(uid: str, pair: tuple[int, int]) -> None:
    right, (first, second) = cite(uid), pair
    symbols = list(right)
    symbols[first], symbols[second] = symbols[second], symbols[first]
    apart = abs(ALPHABET.index(right[first]) - ALPHABET.index(right[second]))
    assert is_cite("".join(symbols)) == (apart in (0, 16))


@pytest.mark.parametrize(
    "text",
    ["", "ALM-", "ALM-T9A4", "ALM-T9A4-DCND-0", "ALM-T9A4-DCNU", "ALM-I9A4-DCND", "AML-T9A4-DCND", "ALM-T9A4-DCN٣"],
)
def test_what_is_no_citation(text: str) -> None:
    assert not is_cite(text)
