"""Folding by table and by Unicode give one spelling; phrases are found as whole words, in one pass as one by one."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from almenara.engine.folding import Phrases, fold

WESTERN = st.characters(codec="latin-1")
PRESS = st.characters(codec="cp1252")
ANY = st.one_of(st.text(WESTERN), st.text(PRESS), st.text())
WORDS = st.sampled_from(["jerí", "Jeri", "JERÍ", "yang", "Zhihua", "ñandú", "æ", "straße", "“", "–", ",", "张", "中远"])
SAYINGS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


def by_definition(text: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = (c for c in plain if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in kept).split())


@given(text=ANY)
def test_one_spelling(text: str) -> None:
    assert fold(text) == by_definition(text)


def test_what_people_write() -> None:
    assert fold("  José  «Ñandú» — O'Higgins, S.A. ") == "jose nandu o higgins s a"
    assert fold("STRASSE") == fold("Straße") == "strasse"


@given(phrases=st.lists(SAYINGS, max_size=6), text=SAYINGS)
def test_phrases_are_found_as_whole_words(phrases: list[str], text: str) -> None:
    inside = f" {fold(text)} "
    expected = {number for number, phrase in enumerate(phrases) if fold(phrase) and f" {fold(phrase)} " in inside}
    found = Phrases(phrases).found_in(text)
    assert set(found) == expected
    assert len(found) == len(expected)


def test_part_of_a_word_is_not_the_word() -> None:
    assert Phrases(["Costa"]).found_in("Costar S.A.") == ()
    assert Phrases(["Costa", "de Costa Rica"]).found_in("El gobierno de Costa Rica") == (0, 1)
