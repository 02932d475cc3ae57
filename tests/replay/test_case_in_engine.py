"""The shipped cases through the shipped rules, in the bare engine: the table comes out, and nothing else."""

from collections.abc import Iterator, Sequence

import pytest

from almenara.engine.engine import Engine
from almenara.engine.ruleset import Content, Ruleset, build
from almenara.ingest.timeline import Timeline
from case_files import CONFIG, case_text, load_case, load_text
from case_table import ALMORIA, PERU, Fires, Row

FOLDERS = ("rules", "watchlists", "lexicons", "lists")
FOUND_29_DECEMBER = "host: {name: Palace communications official (not named), office: palace_communications_official}"
MET_29_DECEMBER = "official: {name: Palace communications official (not named), office: palace_communications_official}"


@pytest.fixture(scope="module")
def ruleset() -> Ruleset:
    paths = [
        path for folder in FOLDERS for path in sorted((CONFIG / folder).iterdir()) if path.suffix in (".yml", ".csv")
    ]
    return build(Content({str(path.relative_to(CONFIG)): path.read_text(encoding="utf-8") for path in paths}))


def fired(timeline: Timeline, ruleset: Ruleset) -> Iterator[Fires]:
    """Every detection of every country, each in its own engine, as a partition would have it."""
    for country in sorted({event.country for event in timeline.events}):
        engine = Engine(ruleset)
        events = [event for event in timeline.events if event.country == country]
        for moment in timeline.ticks:
            detections = list(engine.tick(moment))
            while events and events[0].recorded <= moment:
                detections += engine.apply(events.pop(0)).detections
            for found in detections:
                yield Fires(
                    rule=found.rule,
                    country=country,
                    what=str(found.what),
                    at=found.at.replace(minute=0),
                    event=found.events[-1].id if found.events else found.slot,
                    checked=found.checked,
                )


def expected(rows: Sequence[Row]) -> list[Fires]:
    return [fires for row in rows for fires in row.fires]


def in_order(fires: Sequence[Fires]) -> list[Fires]:
    return sorted(fires, key=lambda f: (f.at, f.country, f.rule, f.what, f.event))


@pytest.mark.parametrize(("case", "rows"), [("peru", PERU), ("almoria", ALMORIA)])
def test_what_the_table_says_fires_and_nothing_else(case: str, rows: Sequence[Row], ruleset: Ruleset) -> None:
    assert in_order(list(fired(load_case(case), ruleset))) == in_order(expected(rows))


def test_29_december_read_the_other_way_changes_nothing(ruleset: Ruleset) -> None:
    text = case_text("peru")
    assert text.count(FOUND_29_DECEMBER) == text.count(MET_29_DECEMBER) == 1
    text = text.replace(FOUND_29_DECEMBER, "host: {name: José Jerí, office: head_of_state}")
    both = load_text("peru", text.replace(MET_29_DECEMBER, "official: {name: José Jerí, office: head_of_state}"))
    assert in_order(list(fired(both, ruleset))) == in_order(expected(PERU))


def test_the_quotations_would_count_if_they_were_the_speakers_own_words(ruleset: Ruleset) -> None:
    own = load_text("almoria", case_text("almoria").replace("attribution: quoted", "attribution: direct"))
    [raised] = [f for f in fired(own, ruleset) if f.rule == "sustained_rhetoric" and f.what == "raised"]
    assert raised.at.date().isoformat() == "2026-03-12"
