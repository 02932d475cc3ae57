"""The timeline format, on the two shipped cases and on faulty files."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from almenara.domain.event import CHECKED, CORRECTED
from almenara.engine.detectors.coverage import read
from almenara.engine.folding import fold
from almenara.ingest.timeline import MAX_TICKS, Timeline
from case_files import load_case, load_text
from case_table import ALMORIA, PERU

ITEM = """
items:
  - id: a
    type: meeting.held
    {when}
    known: '2026-01-11T17:00:00Z'
    country: PER
    data: {data}
"""


@pytest.fixture(scope="module")
def peru() -> Timeline:
    return load_case("peru")


@pytest.fixture(scope="module")
def almoria() -> Timeline:
    return load_case("almoria")


def one(when: str = "day: '2026-01-06'", data: str = "{}", head: str = "zone: America/Lima") -> Timeline:
    return load_text("peru", head + ITEM.replace("{when}", when).replace("{data}", data))


def test_all_28_facts_are_told_once_each_and_in_time(peru: Timeline) -> None:
    assert peru.faults == ()
    assert sorted(set(peru.facts.values())) == list(range(1, 29))
    assert len({event.id for event in peru.events}) == len(peru.events) == 38
    assert [e.recorded for e in peru.events] == sorted(e.recorded for e in peru.events)


def test_every_fact_has_its_row_in_the_table(peru: Timeline, almoria: Timeline) -> None:
    for timeline, rows in ((peru, PERU), (almoria, ALMORIA)):
        assert [row.fact for row in rows] == sorted(set(timeline.facts.values()))
        for row in rows:
            assert row.why
            for fires in row.fires:
                assert timeline.facts[fires.event] == row.fact
                assert fires.country == next(e.country for e in timeline.events if e.id == fires.event)


@pytest.mark.parametrize("case", ["peru", "almoria"])
def test_every_item_says_what_it_rests_on_in_both_languages(case: str) -> None:
    timeline = load_case(case)
    assert timeline.faults == ()
    for event in timeline.events:
        data = event.data
        assert set(data["summary"]) == {"en", "es"}, event.id
        assert data["summary"]["en"] != data["summary"]["es"], event.id
        assert all(set(s) == {"name", "url", "grade"} and s["grade"] == "F" for s in data["sources"]), event.id
        assert data["sources"], event.id
        assert set(data["countries"]) <= {"actor", "target", "affected", "checked_absent"}, event.id
        differences = data.get("differences", {"en": [], "es": []})
        assert len(differences["en"]) == len(differences["es"]), event.id
        assert event.time <= event.recorded, event.id


def test_a_day_is_the_local_day(peru: Timeline) -> None:
    [meeting] = [e for e in peru.events if e.id == "pe-2025-12-26-meeting"]
    assert meeting.time == datetime(2025, 12, 26, 5, tzinfo=UTC)
    assert meeting.until == datetime(2025, 12, 27, 5, tzinfo=UTC)


def test_event_date_and_known_date_are_both_kept(peru: Timeline) -> None:
    [signed] = [e for e in peru.events if e.id == "us-2026-01-14-ally-made"]
    assert (signed.time.date().isoformat(), signed.recorded.date().isoformat()) == ("2026-01-14", "2026-02-03")


def test_the_press_spells_the_names_in_several_ways(peru: Timeline) -> None:
    met = [e for e in peru.events if e.type.startswith("meeting.")]
    spelt = Counter(
        fold(str(person["name"])) for e in met if (person := e.data.get("counterpart") or e.data["visitor"])
    )
    assert {"zhihua yang", "yang zhihua", "zhihuan yang", "johnny yang"} <= set(spelt)


def test_reported_readings_do_not_invent_rows(peru: Timeline) -> None:
    readings = [e for e in peru.events if e.type == CHECKED]
    assert len(readings) == 6
    for event in readings:
        reading = read(event)
        assert reading is not None
        assert reading.rows == -1, "unknown, not zero"
        assert "press" in event.data["by"]
        assert reading.covers_until <= event.recorded


def test_ticks_are_the_clock_and_every_moment_something_became_known(peru: Timeline) -> None:
    assert list(peru.ticks) == sorted(set(peru.ticks))
    assert {e.recorded for e in peru.events} <= set(peru.ticks)
    hours = [t for t in peru.ticks if t.minute == 0]
    assert all(b - a == timedelta(hours=1) for a, b in itertools.pairwise(hours))


def test_almoria_begins_where_the_real_case_ends(peru: Timeline, almoria: Timeline) -> None:
    assert peru.ticks[-1] < almoria.ticks[0]
    assert {event.country for event in almoria.events} == {"XAL"}


def test_a_correction_carries_the_whole_corrected_record(almoria: Timeline) -> None:
    [correction] = [e for e in almoria.events if e.type == CORRECTED]
    assert correction.data["of"] in {e.id for e in almoria.events}
    assert correction.data["event"]["data"]["counterpart"] == {"name": "Pia Holm"}


def test_a_corrections_day_is_written_out_as_times() -> None:
    data = "{of: b, event: {type: meeting.held, day: '2026-01-06', data: {a: 1}}}"
    text = "zone: America/Lima" + ITEM.replace("meeting.held", "event.corrected", 1)
    timeline = load_text("peru", text.replace("{when}", "day: '2026-01-07'").replace("{data}", data))
    assert timeline.events[0].data["event"]["time"] == "2026-01-06T05:00:00+00:00"
    assert timeline.events[0].data["event"]["until"] == "2026-01-07T05:00:00+00:00"
    assert "day" not in timeline.events[0].data["event"]


def test_several_countries_share_an_observation() -> None:
    timeline = load_text(
        "peru", ITEM.replace("PER", "[PER, CHL]").replace("{when}", "day: '2026-01-06'").replace("{data}", "{}")
    )
    assert [(e.id, e.observation) for e in timeline.events] == [("a@PER", "a"), ("a@CHL", "a")]


@pytest.mark.parametrize(
    ("line", "what", "text"),
    [
        (5, "'2026-02-30' is no day", {"when": "day: '2026-02-30'"}),
        (5, "'9999-12-31' is no day", {"when": "day: '9999-12-31'"}),
        (5, "no time with an offset", {"when": "time: '2026-01-06T10:00:00'"}),
        (3, "bad_time", {"when": "time: '2026-01-06T10:00:00Z'\n    until: '2026-01-06T10:00:00Z'"}),
        (3, "either day or time", {"when": "day: '2026-01-06'\n    time: '2026-01-06T10:00:00Z'"}),
        (6, "unknown key 'dy'", {"when": "day: '2026-01-06'\n    dy: 1"}),
        (6, "no time zone", {"when": "day: '2026-01-06'\n    zone: Lima"}),
        (8, "data is a mapping", {"data": "[1]"}),
        (3, "too_large", {"data": f"{{text: {'a' * 301}}}"}),
        (3, "bad_country", {"data": "{countries: {actor: [Peru]}}"}),
        (8, "not a finite number", {"data": "{a: .nan}"}),
        (1, "no time zone", {"head": "zone: ../../etc/passwd"}),
        (1, "unknown key 'clok'", {"head": "clok: 1"}),
        (1, "every, from and until", {"head": "clock: {every: 1h}"}),
        (
            1,
            "not a duration",
            {"head": "clock: {every: x, from: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z'}"},
        ),
        (1, "no clock of", {"head": "clock: {every: 1s, from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z'}"}),
        (1, "cannot read nowhere.csv", {"head": "countries: nowhere.csv"}),
        (1, "alias", {"head": "zone: &a America/Lima\nsource: *a"}),
    ],
)
def test_a_fault_names_its_file_and_line(line: int, what: str, text: dict[str, Any]) -> None:
    faults = one(**text).faults
    assert faults, "no fault"
    assert what in faults[0].what
    assert faults[0].file == "peru/timeline.yaml"
    assert faults[0].line == line + (1 if "\n" in text.get("head", "") else 0)


def test_every_fault_is_collected_and_the_sound_items_stay() -> None:
    text = "items:\n- {id: a}\n- 7\n" + "".join(
        f"- {{id: {uid}, type: {kind}, day: '2026-01-06', known: '2026-01-07T00:00:00Z', country: PER, data: {{}}}}\n"
        for uid, kind in (("b", "poll.published"), ("b", "poll.published"), ("c", "poll.publish"))
    )
    timeline = load_text("peru", text)
    assert [e.id for e in timeline.events] == ["b"]
    assert [fault.line for fault in timeline.faults] == [2, 3, 5, 6]


@pytest.mark.parametrize(
    "text", ["", "7", "- a", "a: 1\n---\nb: 2", "items: {}", "\tx", "items: [[]]", "a: " + "[" * 60]
)
def test_what_is_no_timeline_is_a_fault_and_no_crash(text: str) -> None:
    timeline = load_text("peru", text)
    assert timeline.faults
    assert timeline.events == ()


def test_the_bound_of_the_clock_is_not_reached_by_the_cases(peru: Timeline) -> None:
    assert len(peru.ticks) < MAX_TICKS / 10


@pytest.mark.parametrize("row", [r for r in (*PERU, *ALMORIA) if not r.fires], ids=lambda row: row.title)
def test_a_silent_row_says_why(row: Any) -> None:
    assert len(row.why) > 20
