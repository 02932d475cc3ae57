"""Country names, printed lists, the difference between editions, and the section 1260H list."""

import csv
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.ingest import companies, countries
from almenara.ingest.countries import Countries
from almenara.ingest.draft import stamp
from almenara.ingest.edition_text import say_date
from almenara.ingest.editions import Edition, Printing, difference, edition_data, read_list
from case_files import CONFIG, REGION, WATCHED, load_case, load_text, reader

CODES = st.dictionaries(st.sampled_from(["ARG", "BRA", "CUB", "LAO", "PER"]), st.sampled_from(["full", "partial"]))


@pytest.fixture(scope="module")
def table() -> Countries:
    found, faults = countries.parse(reader(CONFIG)("lists/countries.csv"), "countries.csv")
    assert faults == []
    return found


@pytest.fixture(scope="module")
def lists() -> dict[str, Event]:
    return {event.id: event for event in load_case("peru").events if "captured" in event.data}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Burma", "MMR"), ("Ivory Coast", "CIV"), ("Côte d'Ivoire", "CIV"), ("Cote d’Ivoire", "CIV"),
        ("The Gambia", "GMB"), ("Gambia", "GMB"), ("Republic of the Congo", "COG"), ("Bosnia", "BIH"),
        ("Congo (Republic of the Congo)", "COG"), ("Democratic Republic of the Congo", "COD"), ("Perú", "PER"),
        ("Kyrgyz Republic", "KGZ"), ("Macedonia", "MKD"), ("Cape Verde", "CPV"), ("Kosovo", "XKX"),
        ("Estados Unidos", "USA"), ("the bahamas", "BHS"), ("Sierra Leona", "SLE"), ("Guinea", "GIN"),
        ("Dominica", "DMA"), ("Niger", "NER"), ("Nigeria", "NGA"),
    ],
)  # fmt: skip
def test_a_name_is_known_in_its_spellings(table: Countries, name: str, code: str) -> None:
    assert table.of(name) == (code,)


def test_an_ambiguous_name_has_several_codes_and_an_unknown_one_none(table: Countries) -> None:
    assert set(table.of("Congo")) == {"COD", "COG"}
    assert set(table.of("Korea")) == {"KOR", "PRK"}
    assert table.of("Atlantis") == table.of("") == table.of("Peruvia") == ()


def test_faults_of_a_printed_list_name_the_row(table: Countries) -> None:
    text = "country_as_written,status\nPeru,full\nCongo,full\nAtlantis,full\nPerú,partial\n"
    listed, faults = read_list(text, "lists/x.csv", table)
    assert listed == {"PER": "full"}
    assert [(f.file, f.line) for f in faults] == [("lists/x.csv", 3), ("lists/x.csv", 4), ("lists/x.csv", 5)]
    assert "COD" in faults[0].what
    assert read_list("a,b\n", "x.csv", table)[1][0].line == 1


def test_16_december_moves_two_and_adds_twenty(lists: dict[str, Event]) -> None:
    data = lists["us-entry-restrictions-2025-12-16"].data
    moved = [change for change in data["changes"] if change["change"] == "moved"]
    assert moved == [
        {"country": "LAO", "change": "moved", "from": "partial", "to": "full"},
        {"country": "SLE", "change": "moved", "from": "partial", "to": "full"},
    ]
    assert data["counts"] == {"before": 19, "after": 39, "full": 19, "partial": 20}
    assert data["change"] == ["added", "moved"]
    assert len(data["changes"]) == 22
    assert data["countries"] == {"actor": ["USA"], "affected": [], "checked_absent": ["CHL", "PER"]}
    assert data["edition"] == {"announced": "2025-12-16", "effective": "2026-01-01", "compared_with": "2025-06-04"}
    assert data["provisional"] is True
    said = (
        "US entry restrictions: 19 → 39 countries; Laos and Sierra Leone moved to full; Peru and Chile are not on it."
    )
    assert data["summary"]["en"].startswith(said)
    assert "Laos y Sierra Leona" in data["summary"]["es"]


def test_the_first_edition_adds_everything(lists: dict[str, Event]) -> None:
    data = lists["us-entry-restrictions-2025-06-04"].data
    assert {change["change"] for change in data["changes"]} == {"added"}
    assert data["counts"] == {"before": 0, "after": 19, "full": 12, "partial": 7}
    assert data["on_it"] == ["VEN"]


def test_the_two_printings_of_14_january_differ_by_one_country(lists: dict[str, Event]) -> None:
    data = lists["us-immigrant-visa-pause-2026-01-14"].data
    assert data["printings"] == [
        {"source": "gulfnews.com", "says": 75, "prints": 74, "missing": ["COD"], "extra": []},
        {"source": "mondaq.com", "says": 75, "prints": 75, "missing": [], "extra": []},
    ]
    assert data["counts"]["after"] == 75
    assert data["on_it"] == ["BRA", "COL", "URY"]
    assert "Democratic Republic of the Congo" in data["differences"]["en"][0]
    assert "República Democrática del Congo" in data["differences"]["es"][0]


def test_a_list_that_was_not_captured_claims_no_absence(lists: dict[str, Event]) -> None:
    data = lists["us-visa-bond-2026-01-06"].data
    assert (data["captured"], data["not_named"]) == ("partial", ["CHL", "PER"])
    assert [change["country"] for change in data["changes"]] == ["CUB", "VEN"]
    assert data["counts"] == {"before": 13, "after": 38}
    assert "not on it" not in data["summary"]["en"]
    assert "differences" not in data


def test_the_summary_names_watched_countries_that_are_on_it(table: Countries) -> None:
    name = {"en": "List", "es": "Lista"}
    common = {"family": "x", "name": name, "effective": "2026-01-21"}
    first = Edition(announced="2026-01-01", printings=(Printing("a", 2, {"CHL": "full", "BRA": "full"}),), **common)
    after = {"PER": "partial", "BRA": "partial", "IRN": "full"}
    second = Edition(announced="2026-02-01", printings=(Printing("a", 3, after),), official=True, **common)
    data = edition_data(second, first, table, watched=WATCHED, region=REGION)
    assert data["countries"] == {"actor": ["USA"], "affected": ["CHL", "PER"], "checked_absent": []}
    assert data["change"] == ["added", "moved", "removed"]
    assert data["provisional"] is False
    assert data["summary"]["en"] == (
        "List: 2 → 3 countries; Brazil moved to partial; Peru added; Chile removed. In the region, Brazil is on it."
    )


@given(CODES, CODES)
def test_applying_a_difference_gives_the_next_edition(before: dict[str, str], after: dict[str, str]) -> None:
    listed = dict(before)
    for change in difference(before, after):
        assert listed.get(change.country, "") == change.before
        listed.pop(change.country, None)
        if change.after:
            listed[change.country] = change.after
    assert listed == after
    assert difference(after, after) == ()


EDITION = """countries: ../../lists/countries.csv
items:
  - known: '2026-01-11T17:00:00Z'
    country: USA
    list_edition: {family: f, name: {en: a, es: b}, announced: '2026-01-11', effective: '2026-01-12', EXTRA}
"""


@pytest.mark.parametrize(
    ("what", "extra"),
    [
        ("no printings", "x: 1"),
        ("unknown key 'x'", "x: 1, printings: [{source: a}]"),
        ("no file", "printings: [{source: a}]"),
        ("cannot read lists/none.csv", "printings: [{source: a, file: lists/none.csv}]"),
        ("counts", "complete: false, printings: [{source: a}]"),
        ("may be", "complete: false, named: [Congo], counts: {before: 1, after: 2}, printings: [{source: a}]"),
    ],
)
def test_a_faulty_edition_names_its_place(what: str, extra: str) -> None:
    timeline = load_text("peru", EDITION.replace("EXTRA", extra))
    assert timeline.events == ()
    assert any(what in fault.what and fault.line == 5 for fault in timeline.faults), timeline.faults


def test_editions_need_the_table_of_names() -> None:
    text = EDITION.replace("countries: ../../lists/countries.csv\n", "").replace("EXTRA", "printings: [{source: a}]")
    assert any("no table of countries" in fault.what for fault in load_text("peru", text).faults)


@pytest.mark.parametrize(("language", "said"), [("en", "1 Dec 2025"), ("es", "1 dic 2025")])
def test_dates_are_written_as_people_do(language: str, said: str) -> None:
    assert say_date("2025-12-01", language) == said


def spells_of_the_real_list() -> tuple[str, list[companies.Spell]]:
    text = reader(CONFIG)("lists/us_1260h.csv")
    spells, faults = companies.read_spells(text, "us_1260h.csv")
    assert faults == []
    return text, spells


def test_replaying_every_edition_of_the_1260h_list_gives_it_exactly() -> None:
    text, spells = spells_of_the_real_list()
    rows = list(csv.DictReader(text.splitlines()))
    changes = list(companies.changes_of(spells))
    days = sorted({row[column] for row in rows for column in ("Start date", "End date")} - {""})
    assert len(days) == 6
    for day in (when + timedelta(days=step) for when in map(date.fromisoformat, days) for step in (-1, 0, 1)):
        expected = {
            row["Clean Name"]
            for row in rows
            if row["Start date"] <= day.isoformat() and (not row["End date"] or day.isoformat() < row["End date"])
        }
        assert companies.replay(changes, day) == expected
    assert {change.change for change in changes} == {"made", "withdrawn"}


def test_the_1260h_changes_are_events_with_ids_of_their_own() -> None:
    _, spells = spells_of_the_real_list()
    drafts = companies.drafts(list(companies.changes_of(spells)), "us_1260h")
    events = [event for draft in drafts for event in stamp(draft, draft.time)]
    assert len({event.id for event in events}) == len(events) == len(drafts)
    data: dict[str, Any] = dict(events[0].data)
    assert data["designation"]["kind"] == "chinese_military_company"
    assert {event.country for event in events} == {"USA"}
    assert all("flags" not in event.data for event in events)


def test_a_faulty_row_of_the_1260h_list_is_named() -> None:
    head = "Name,Clean Name,Start date,End date\n"
    spells, faults = companies.read_spells(head + "a,,2025-01-01,\nb,,x,\nc,,2025-01-02,2025-01-01\n", "l.csv")
    assert [spell.company for spell in spells] == ["a"]
    assert [fault.line for fault in faults] == [3, 4]
    assert companies.read_spells("a,b\n", "l.csv")[1][0].line == 1
