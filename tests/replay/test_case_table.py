"""The two cases against their table: what must fire, when and why; nothing else fires."""

from typing import NamedTuple

import pytest

from almenara.adapters.memory import MemoryStore
from almenara.domain.alert import AlertChanged, Change
from case_run import case_entries, changes, run_embedded
from case_table import ALMORIA, PERU, Fires, Row


class Said(NamedTuple):
    rule: str
    country: str
    what: str
    at: str
    event: str
    checked: bool


@pytest.fixture(scope="module")
def found() -> list[AlertChanged]:
    store = MemoryStore(4)
    run_embedded(store, case_entries())
    return changes(store)


def said(changed: AlertChanged) -> Said:
    alert = changed.alert
    event = changed.joined[-1].id if changed.joined and changed.change == Change.UPDATED else alert.events[-1].id
    # A closing says nothing of what was checked: the alert keeps the claim it made.
    checked = alert.checked or changed.change in (Change.RESOLVED, Change.RETRACTED)
    return Said(alert.rule, alert.country, changed.change, f"{changed.at:%Y-%m-%d %H}", event, checked)


def wanted(fires: Fires) -> Said:
    return Said(fires.rule, fires.country, fires.what, f"{fires.at:%Y-%m-%d %H}", fires.event, fires.checked)


@pytest.mark.parametrize("row", [*PERU, *ALMORIA], ids=lambda row: f"{row.fact}-{row.title}")
def test_each_fact_fires_what_its_row_says(row: Row, found: list[AlertChanged]) -> None:
    all_said = [said(changed) for changed in found]
    for fires in row.fires:
        assert wanted(fires) in all_said, row.why


def test_nothing_else_fires(found: list[AlertChanged]) -> None:
    expected = sorted(wanted(fires) for row in (*PERU, *ALMORIA) for fires in row.fires)
    assert sorted(said(changed) for changed in found) == expected


def test_the_table_has_every_fact() -> None:
    assert [row.fact for row in PERU] == list(range(1, 29))
    assert all(row.why for row in (*PERU, *ALMORIA))


def test_each_alert_names_its_proof(found: list[AlertChanged]) -> None:
    for changed in found:
        alert = changed.alert
        assert alert.cite.startswith("ALM-")
        assert all(event.position.startswith("events/") for event in alert.events)
        assert len(alert.ruleset) == 64
        assert alert.engine == "3"
        assert changed.cause.startswith("events/")
        assert set(alert.title) == {"en", "es"}
        assert "?" not in alert.title["en"] + alert.title["es"]


def test_the_meeting_of_26_december_says_what_was_searched(found: list[AlertChanged]) -> None:
    alert = next(c.alert for c in found if c.alert.events[0].id == "pe-2025-12-26-meeting")
    assert alert.title["en"] == "No register entry found for a reported meeting: José Jerí – Zhihua Yang, 26 Dec 2025"
    assert alert.title["es"] == "Sin registro hallado de una reunión informada: José Jerí – Zhihua Yang, 26 dic 2025"
    assert alert.level == "high"
    assert alert.search is not None
    assert f"{alert.search.start:%Y-%m-%d %H:%M}" == "2025-12-25 17:00"  # 25 Dec 12:00 in Lima
    assert f"{alert.search.end:%Y-%m-%d %H:%M}" == "2025-12-28 17:00"
    assert {reading.source for reading in alert.search.readings} == {"pe_palace_visits", "pe_president_agenda"}
    assert {"p-jeri", "p-yang"} <= set(alert.entities)
    entry = next(m.entry for m in alert.matched if m.watchlist == "cn_contacts")
    assert entry["link"] == "private"


def test_visa_editions_say_added_moved_and_checked(found: list[AlertChanged]) -> None:
    titles = {c.alert.events[0].id: c.alert.title["en"] for c in found if c.alert.rule == "visa_list_change"}
    december = titles["us-entry-restrictions-2025-12-16"]
    assert "19 → 39" in december
    assert "Laos and Sierra Leone moved to full" in december
    assert "Peru and Chile are not on it" in december
    pause = next(c.alert for c in found if c.alert.events[0].id == "us-immigrant-visa-pause-2026-01-14")
    printings = pause.events[0].data["printings"]
    assert sorted(printing["prints"] for printing in printings) == [74, 75]
    revoked = next(c.alert for c in found if c.alert.events[0].id == "us-visa-revocations-2026-02-20")
    assert revoked.countries["affected"] == ("CHL",)


def test_the_designation_has_both_its_dates(found: list[AlertChanged]) -> None:
    event = next(c.alert.events[0] for c in found if c.alert.events[0].id == "us-2026-01-14-ally-made")
    assert f"{event.time:%Y-%m-%d}" == "2026-01-14"
    assert f"{event.recorded:%Y-%m-%d}" == "2026-02-03"
