"""Watchlists: exact names and aliases, folded; every fault with its line; the enricher that writes ids from them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.enrich import Enricher
from almenara.engine.folding import fold
from almenara.engine.rhetoric import LexiconScorer
from almenara.engine.watchlist import COLUMNS, LINKS, names_of, parse

NOON = datetime(2030, 3, 1, 12, tzinfo=UTC)
TEXT = """id,name,kind,link,aliases
p-1,Ana Ñandú,person,official,Ñandú Ana|A. Ñandú
o-1,"Puerto Uno, S.A.",company,soe,Puerto Uno
"""


def listed(text: str = TEXT) -> Any:
    found, faults = parse("contacts", text, "watchlists/contacts.csv")
    assert faults == []
    return found


@pytest.mark.parametrize(
    ("text", "uid"),
    [
        ("p-1", "p-1"),
        ("Ana Ñandú", "p-1"),
        ("ANA NANDU", "p-1"),
        ("  ana   ñandú. ", "p-1"),
        ("nandu, ana", "p-1"),
        ("A Ñandú", "p-1"),
        ("Puerto Uno S A", "o-1"),
        ("puerto-uno", "o-1"),
        ("Ana", None),
        ("Ana Ñandú Pérez", None),
        ("Puerto Un", None),
        ("P-1", None),  # ids are exact
        ("𝘈𝘯𝘢 𝘕̃𝘢𝘯𝘥𝘶́", "p-1"),  # letters in fancy dress
        ("", None),
        ("...", None),
    ],
)
def test_an_entry_is_found_by_id_name_or_alias_and_nothing_like_it(text: str, uid: str | None) -> None:
    entry = listed().entry(text)
    assert (entry["id"] if entry else None) == uid


def test_an_entry_has_all_its_names() -> None:
    assert names_of(listed().by_id["p-1"]) == ["Ana Ñandú", "Ñandú Ana", "A. Ñandú"]


def test_the_version_is_that_of_the_content() -> None:
    assert listed().version == listed().version
    assert listed().version != listed(TEXT + "p-2,B,,,\n").version


def test_every_fault_is_told_with_its_line() -> None:
    rows = [
        "id,name,link,valid_from,colour",
        "p-1,A,soe,,",
        ",B,,,",
        "p-1,C,,,",
        "p-4,D,friend,,",
        "p-5,E,,soon,",
        "p-6,F,,,,too,many",
    ]
    found, faults = parse("x", "\n".join(rows), "watchlists/x.csv")
    assert [(fault.line, fault.what) for fault in faults] == [
        (1, "unknown column 'colour'"),
        (3, "id and name must not be empty"),
        (4, "the id 'p-1' stands in line 2 too"),
        (5, "unknown link 'friend'"),
        (6, "valid_from 'soon' is no date"),
        (7, "more fields than columns"),
    ]
    assert all(fault.file == "watchlists/x.csv" and fault.cure for fault in faults)
    assert [entry["id"] for entry in found.entries] == ["p-1"]


def test_a_row_that_spans_lines_does_not_move_the_lines_after_it() -> None:
    _, faults = parse("x", 'id,name,note\np-1,A,"one\ntwo"\np-2,,\n', "watchlists/x.csv")
    assert [fault.line for fault in faults] == [4]


def test_a_list_without_the_columns_it_needs_is_empty() -> None:
    for text in ("", "name\nA\n", "id;name\np-1;A\n"):
        found, faults = parse("x", text, "watchlists/x.csv")
        assert found.entries == ()
        assert "no column" in faults[0].what


@given(st.text())
def test_folding_is_final(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(codec="latin-1", categories=["L"]), min_size=1, max_size=8))
def test_folding_has_no_case_and_no_outer_marks(word: str) -> None:
    assert fold(word.swapcase().swapcase()) == fold(word) or "ß" in word
    assert fold(f" «{word}», ") == fold(word)


@given(st.text(max_size=300))
def test_no_text_is_too_odd_for_a_list(text: str) -> None:
    for head in ("", "id,name\n", ",".join(COLUMNS) + "\n"):
        found, faults = parse("x", head + text, "x.csv")
        assert all(entry["id"] and entry["name"] and entry.get("link", "") in LINKS for entry in found.entries)
        assert all(fault.line >= 1 for fault in faults)


# --- the enricher ---


def enriched(data: dict[str, Any], *texts: str) -> dict[str, Any]:
    lists = [parse(f"l{n}", text, "x.csv")[0] for n, text in enumerate(texts or (TEXT,))]
    event = Event(id="e", source="s", type="meeting.held", time=NOON, recorded=NOON, country="PER", data=data)
    return dict(Enricher(lists, LexiconScorer([])).enrich(event).data)


def test_ids_are_written_beside_names_at_any_depth() -> None:
    data = {"official": {"name": "ANA NANDU"}, "others": [{"name": "Puerto Uno"}, {"name": "Ana"}]}
    assert enriched(data) == {
        "official": {"name": "ANA NANDU", "id": "p-1"},
        "others": [{"name": "Puerto Uno", "id": "o-1"}, {"name": "Ana"}],
    }
    assert data["official"] == {"name": "ANA NANDU"}, "the event itself is left as it was"


def test_a_given_id_stays() -> None:
    assert enriched({"p": {"name": "Ana Ñandú", "id": "mine"}}) == {"p": {"name": "Ana Ñandú", "id": "mine"}}


def test_a_name_that_two_ids_claim_gets_none() -> None:
    other = "id,name\np-9,ana ñandú\n"
    assert enriched({"p": {"name": "Ana Ñandú"}}, TEXT, other) == {"p": {"name": "Ana Ñandú"}}
    assert enriched({"p": {"name": "A. Ñandú"}}, TEXT, other) == {"p": {"name": "A. Ñandú", "id": "p-1"}}
    assert enriched({"p": {"name": "Ana Ñandú"}}, TEXT, TEXT) == {"p": {"name": "Ana Ñandú", "id": "p-1"}}


def test_nothing_known_changes_nothing() -> None:
    data = {"p": {"name": "somebody"}, "name": {"en": "x"}}
    assert enriched(data) == data
