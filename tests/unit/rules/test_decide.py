"""What a detection or a command makes of an alert."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from almenara.domain.alert import Alert, AlertChanged, Change, Reason, Search, State
from almenara.domain.event import ACKNOWLEDGE, JUDGE, RETRACT, Event
from almenara.engine.detection import Detection
from almenara.engine.detectors.absence import evidence
from almenara.engine.detectors.kept import evidence_in
from almenara.engine.detectors.kept import pack as pack_shown
from almenara.engine.detectors.packed import PackedEvents, pack
from almenara.rules.decide import Cause, decide, decide_command
from case_run import shipped

T0 = datetime(2030, 3, 1, tzinfo=UTC)
CAUSE = Cause("r-1", "events/1/9", "XAL")
RULESET = shipped().ruleset


def meeting(uid: str = "m-1") -> Event:
    data = {"official": {"id": "xal-o-voss", "name": "I. Voss"}, "counterpart": {"id": "xal-p-b", "name": "O. Talvik"}}
    return Event(id=uid, source="t", type="meeting.held", time=T0, recorded=T0, country="XAL", data=data)


def detection(**more: Any) -> Detection:
    given: dict[str, Any] = {
        "what": Change.RAISED,
        "rule": "unregistered_meeting",
        "key": {"official": "xal-o-voss", "contact": "xal-p-b"},
        "slot": "m-1",
        "at": T0 + timedelta(days=6),
        "reason": Reason.DETECTED,
        "events": (meeting(),),
        "search": Search(start=T0, end=T0 + timedelta(days=1)),
    }
    return Detection(**(given | more))


def decided(said: Detection, alert: Alert | None = None) -> AlertChanged:
    found = decide(said, alert, RULESET, CAUSE, ruleset_hash="ab" * 32)
    assert found is not None
    return found


RAISED = decided(detection()).alert


def test_the_sentence_names_people_as_the_lists_do() -> None:
    assert RAISED.title["en"] == "No register entry found for a reported meeting: Irena Voss – Oren Talvik, 28 Feb 2030"
    assert (RAISED.level, RAISED.state, RAISED.checked) == ("high", State.OPEN, True)


def test_what_could_not_be_checked_says_so_a_level_lower() -> None:
    alert = decided(detection(checked=False)).alert
    assert alert.level == "medium"
    assert alert.title["en"].startswith("Could not be checked")
    full = decided(detection(what=Change.UPDATED, reason=Reason.SOURCE_READ), alert)
    assert (full.change, full.alert.level, full.alert.checked) == (Change.UPDATED, "high", True)
    assert full.alert.uid == alert.uid


def test_a_source_that_cannot_be_checked_takes_nothing_from_what_was_proven() -> None:
    unchecked = detection(
        what=Change.UPDATED,
        reason=Reason.ANOTHER_SOURCE,
        checked=False,
        events=(meeting(), meeting("m-2")),
        search=Search(start=T0, end=T0 + timedelta(days=9), unread=("xal_visits",)),
    )
    joined = decided(unchecked, RAISED).alert
    assert (joined.level, joined.checked, joined.title) == (RAISED.level, True, RAISED.title)
    assert joined.search == RAISED.search
    assert [event.id for event in joined.events] == ["m-1", "m-2"]


def test_a_second_report_widens_what_was_searched() -> None:
    later = Search(start=T0 + timedelta(hours=6), end=T0 + timedelta(days=2))
    joined = decided(detection(what=Change.UPDATED, reason=Reason.ANOTHER_SOURCE, search=later), RAISED).alert
    assert joined.search is not None
    assert (joined.search.start, joined.search.end) == (T0, T0 + timedelta(days=2))


@pytest.mark.parametrize("state", [State.RESOLVED, State.RETRACTED])
def test_a_closed_alert_is_not_closed_again(state: State) -> None:
    again = detection(what=Change.RESOLVED, reason=Reason.REGISTERED_LATE)
    assert decide(again, replace(RAISED, state=state), RULESET, CAUSE) is None
    assert decide(again, None, RULESET, CAUSE) is None


def test_many_events_stay_bounded_and_are_counted() -> None:
    events = tuple(meeting(f"m-{n}") for n in range(120))
    alert = decided(detection(events=events, search=None)).alert
    assert alert.event_count == 120
    assert [event.id for event in alert.events[:2]] == ["m-0", "m-1"]
    assert alert.events[-1].id == "m-119"
    assert len(alert.events) == 50


def command(type_: str, **data: Any) -> Event:
    return Event(id="c-1", source="t", type=type_, time=T0, recorded=T0, country="XAL", data={"by": "ana", **data})


def test_commands_change_what_they_can() -> None:
    taken = decide_command(command(ACKNOWLEDGE, note="mine"), RAISED, T0, CAUSE)
    assert taken is not None
    assert (taken.change, taken.by, taken.note, taken.alert.state) == (
        Change.ACKNOWLEDGED, "ana", "mine", State.ACKNOWLEDGED,
    )  # fmt: skip
    assert decide_command(command(ACKNOWLEDGE), taken.alert, T0, CAUSE) is None
    judged = decide_command(command(JUDGE, judgement="false"), RAISED, T0, CAUSE)
    assert judged is not None
    assert judged.alert.judgement == "false"
    assert decide_command(command(JUDGE, judgement="maybe"), RAISED, T0, CAUSE) is None
    fallen = decide_command(command(RETRACT), RAISED, T0, CAUSE)
    assert fallen is not None
    assert fallen.alert.state == State.RETRACTED
    assert decide_command(command(RETRACT), fallen.alert, T0, CAUSE) is None


@pytest.mark.parametrize("size", [1, 300], ids=["small", "too large to be kept unpacked"])
def test_events_that_come_packed_make_the_same_alert(size: int) -> None:
    countries = {"actor": ["XAL", "XBE"], "target": [], "odd": "XCE"}
    events = [meeting(f"m-{number}") for number in range(70)]
    events = [
        event.holding({**event.data, "countries": countries, "said": ["é"] * 20 * size, "n": [{"id": "x", "name": 1}]})
        for event in events
    ]
    plain = decided(detection(events=tuple(events)))
    packed = PackedEvents(map(pack, events))
    assert decided(detection(events=packed)) == decided(detection(events=packed)) == plain
    assert len(plain.alert.events) == 50
    assert plain.alert.entities == ("x", "xal-o-voss", "xal-p-b")
    assert plain.alert.countries == {"actor": ("XAL", "XBE"), "key": ("XAL",), "target": ()}


def test_the_evidence_of_an_entry_is_that_of_its_last_event() -> None:
    first, last = meeting("m-1"), replace(meeting("m-2"), until=T0 + timedelta(hours=1), position="events/1/9")
    assert evidence_in(pack_shown((first, last))) == evidence(last)
