"""What other teams send: theirs alone, and each item by itself."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from almenara.domain.errors import Rejected, Unreachable
from almenara.ingest.draft import Draft
from almenara.ingest.inbox import read_message
from almenara.ingest.intake import EventIntake
from almenara.ports.intake import Taken
from almenara.ports.log import EVENTS, REJECTED
from almenara.ports.wire import decode_event
from small_log import SmallLog

NOW = datetime(2026, 1, 11, 17, tzinfo=UTC)


def event(**changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "1",
        "source": "desk",
        "type": "meeting.held",
        "time": "2026-01-05T10:00:00Z",
        "country": "PER",
        "data": {},
        **changes,
    }


def one(sender: str = "press", **changes: Any) -> Draft | Rejected:
    [item] = read_message(json.dumps(event(**changes)).encode(), NOW, sender=sender)
    return item


def test_ids_and_sources_are_the_senders() -> None:
    item = one()
    assert isinstance(item, Draft)
    assert (item.id, item.source) == ("press:1", "press:desk")


def test_a_sender_speaks_of_readings_of_its_own_source_only() -> None:
    other = one(type="source.checked", data={"source": {"id": "pe_palace_visits"}, "outcome": "new"})
    none = one(type="source.checked")
    own = one(type="source.checked", data={"source": {"id": "press"}, "outcome": "new"})
    assert isinstance(other, Rejected)
    assert isinstance(none, Rejected)
    assert other.reason == none.reason == "not_yours"
    assert isinstance(own, Draft)


@pytest.mark.parametrize("named", ["7", "press:7"])
def test_a_sender_corrects_and_withdraws_its_own_events_only(named: str) -> None:
    item = one(type="event.withdrawn", data={"of": named})
    assert isinstance(item, Draft)
    assert item.data["of"] == "press:7"
    foreign = one(type="event.corrected", data={"of": "other:7", "event": {"type": "meeting.held"}})
    assert isinstance(foreign, Draft)
    assert foreign.data["of"] == "press:other:7"


@pytest.mark.parametrize("data", [{}, {"of": 3}, {"of": "1", "event": {"type": "source.checked"}}])
def test_a_correction_that_says_nothing_or_too_much(data: dict[str, Any]) -> None:
    assert isinstance(one(type="event.corrected", data=data), Rejected)


def test_nobody_knew_it_in_the_future() -> None:
    past, future = one(recorded="2026-01-06T00:00:00Z"), one(recorded="2027-01-01T00:00:00Z")
    assert isinstance(past, Draft)
    assert isinstance(future, Draft)
    assert past.recorded == datetime(2026, 1, 6, tzinfo=UTC)
    assert future.recorded is None


class Fixed:
    def now(self) -> datetime:
        return NOW


def test_the_intake_appends_the_good_and_records_the_refused() -> None:
    log = SmallLog()
    intake = EventIntake(log, Fixed())
    body = json.dumps([event(), event(id="2", country=None), event(id="3", type="tick"), 5]).encode()
    receipts = intake.take("press", body)
    assert [r.taken for r in receipts] == [Taken.ACCEPTED, *[Taken.REJECTED] * 3]
    assert [r.reason for r in receipts] == ["", "bad_country", "unknown_type", "undecodable"]
    [good] = [e for e in log.entries.values() if e.stream == EVENTS]
    assert (good.key, decode_event(good.body).recorded) == ("PER", NOW)
    refusals = [json.loads(e.body) for e in log.entries.values() if e.stream == REJECTED]
    assert sorted(r["reason"] for r in refusals) == ["bad_country", "undecodable", "unknown_type"]
    again = intake.take("press", body)
    assert [r.taken for r in again] == [Taken.REPEATED, *[Taken.REJECTED] * 3]
    assert len(log.entries) == 4


def test_the_intake_says_when_nothing_could_be_stored() -> None:
    log = SmallLog()
    log.reachable = False
    with pytest.raises(Unreachable):
        EventIntake(log, Fixed()).take("press", json.dumps(event()).encode())
