"""What is said of an observation that was published for several countries reaches its copy in each of them."""

from datetime import UTC, datetime

import pytest

from almenara.ingest.draft import Draft, stamp

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def draft(type_: str, uid: str, **data: object) -> Draft:
    return Draft(source="s", type=type_, id=uid, time=NOW, countries_key=("PER", "CHL"), data=data)


@pytest.mark.parametrize("type_", ["event.withdrawn", "event.corrected"])
def test_each_copy_is_named(type_: str) -> None:
    copies = [event.id for event in stamp(draft("statement.made", "e"), NOW)]
    about = stamp(draft(type_, "w", of="e", event={"type": "statement.made"}), NOW)
    assert [event.data["of"] for event in about] == copies == ["e@PER", "e@CHL"]


def test_a_copy_that_is_named_already_stays_named() -> None:
    assert {event.data["of"] for event in stamp(draft("event.withdrawn", "w", of="e@PER"), NOW)} == {"e@PER"}
