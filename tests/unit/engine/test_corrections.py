"""Corrections and withdrawals: alerts are decided again, once, and nothing is said that is not so."""

import pytest

from almenara.domain.event import Event
from almenara.engine.engine import Engine
from almenara.engine.ruleset import Content, build
from made_up_life import RULES, checked, corrected, entry, event, meeting, tick, withdrawn

Said = list[tuple[str, str, list[str]]]


def run(engine: Engine, *events: Event) -> Said:
    found = [d for one in events for d in engine.apply(one).detections]
    return [(str(d.what), str(d.reason), [e.id for e in d.events]) for d in found]


def engine(*, on_late: str = "resolve", lateness_s: int | None = None) -> Engine:
    return Engine(checked(on_late=on_late, coverage="[]", lateness_s=lateness_s).ruleset)


@pytest.mark.parametrize("on_late", ["resolve", "retract", "ignore"])
def test_an_entry_that_still_meets_after_its_correction_raises_nothing(on_late: str) -> None:
    found = engine(on_late=on_late)
    b = entry("b", 1)
    assert run(found, tick(0), meeting("a", 0), b, tick(100), corrected(b, 101, note="a typo mended")) == []
    assert run(found, withdrawn("b", 102)) == [("raised", "entry_withdrawn", ["a"])]


def test_a_late_entry_that_is_corrected_is_not_told_twice() -> None:
    found = engine()
    b = entry("b", 1, known=50)
    assert [what for what, _, _ in run(found, meeting("a", 0), tick(50), b)] == ["raised", "resolved"]
    assert run(found, corrected(b, 60, note="a typo mended")) == []


def test_an_entry_corrected_to_somebody_else_lets_the_alert_rise() -> None:
    found = engine()
    b = entry("b", 1)
    assert run(found, meeting("a", 0), b, tick(100)) == []
    assert run(found, corrected(b, 101, who="z")) == [("raised", "source_corrected", ["a"])]


def test_an_entry_corrected_to_the_right_one_resolves() -> None:
    found = engine()
    b = entry("b", 1, who="z")
    assert [what for what, _, _ in run(found, meeting("a", 0), b, tick(100))] == ["raised"]
    assert run(found, corrected(b, 101, who="y")) == [("resolved", "registered_late", ["a"])]


def test_a_correction_that_changes_the_key_ends_one_alert_and_raises_another() -> None:
    found = engine()
    a = meeting("a", 0)
    assert len(run(found, a, tick(100))) == 1
    said = found.apply(corrected(a, 101, who="z")).detections
    assert [(str(d.what), d.key["who"]) for d in said] == [("retracted", "y"), ("raised", "z")]


def test_a_corrected_report_is_told_as_it_is_now() -> None:
    found = engine()
    a = meeting("a", 0, place="Lima")
    run(found, a, tick(100))
    (said,) = found.apply(corrected(a, 101, place="Callao")).detections
    assert (said.what, [e.data["place"] for e in said.events]) == ("updated", ["Callao"])


def test_an_a_that_still_waits_keeps_its_wait_when_it_is_corrected() -> None:
    found = engine()
    a = meeting("a", 0, known=50)
    assert run(found, tick(50), a, tick(51), corrected(a, 51, place="Callao")) == []
    assert run(found, tick(52)) == []
    assert run(found, tick(53)) == [("raised", "detected", ["a"])]


def test_a_moment_beyond_the_calendar_is_no_moment() -> None:
    found = engine()
    statement = event("statement.made", "s", 0, k="x")
    again = event(
        "event.corrected", "c", 1, of="s",
        event={"type": "statement.made", "time": "9999-12-31T23:59:59-10:00", "data": {"k": "x"}},
    )  # fmt: skip
    assert [what for what, _, _ in run(found, statement, again)] == ["raised", "updated"]


def test_a_correction_long_after_is_no_late_event() -> None:
    """A typo mended after a month must not take the event out of its alert."""
    found = engine(lateness_s=36_000)
    shocks = [event("office.changed", f"s{n}", n, k="x") for n in range(3)]
    assert [what for what, _, _ in run(found, *shocks)] == ["raised"]
    assert run(found, tick(20), corrected(shocks[1], 20, note="mended")) == [
        ("updated", "source_corrected", ["s0", "s2", "s1"])
    ]
    assert run(found, tick(1000), corrected(shocks[1], 1000, note="again"))[0][0] == "updated"


def test_a_withdrawal_long_after_finds_the_alert_that_still_stands() -> None:
    found = engine(lateness_s=36_000)
    shocks = [event("office.changed", f"s{n}", 12 * n, k="x") for n in range(4)]
    told = [tick(0), *shocks, tick(36 + 48 + 9)]  # all but the last have left every window by then
    assert [what for what, _, _ in run(found, *told)] == ["raised", "updated"]
    run(found, event("office.changed", "far", 93, k="x"))
    assert run(found, withdrawn("s3", 94)) == [("updated", "source_withdrawn", ["s0", "s1", "s2"])]


def test_a_long_episode_keeps_the_count_of_its_events() -> None:
    found = engine(lateness_s=36_000)
    shocks = [step for n in range(20) for step in (tick(12 * n), event("office.changed", f"s{n}", 12 * n, k="x"))]
    assert len(run(found, *shocks)[-1][2]) == 20


def test_rules_that_detect_the_same_do_not_share_what_they_count() -> None:

    text = RULES % {"on_late": "resolve", "coverage": "[]", "keys": "[k]", "level": "low"}
    twin = text.split("---")[4].replace("name: many", "name: many_too").replace("Many shocks", "As many shocks")
    found = Engine(build(Content({"rules/r.yml": f"{text}---{twin}"})))
    shocks = [event("office.changed", f"s{n}", n, k="x") for n in range(3)]
    assert sorted(d.rule for one in shocks for d in found.apply(one).detections) == ["many", "many_too"]
