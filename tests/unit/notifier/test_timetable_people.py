"""Timetables of silences, inhibition, deputies, duty, escalation, ceilings and subscriptions: who is told, and when."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from almenara.domain.alert import State
from almenara.domain.audience import Deputy, Digest, Duty, Escalation, Inhibition, Quiet, Target, Want
from almenara.domain.notice import Notice
from timetable import DESK, MAIL, Timetable, person

NIGHT = Quiet(daily=(22 * 60, 6 * 60 + 30))
DIGEST = Digest(at=(18 * 60,), levels=("high",))

# --- silences ---


def test_what_a_silence_held_back_and_is_open_is_told_when_it_ends() -> None:
    table = Timetable(person("ana")).silence("s", "14:00", matcher={"rules": ["r"]})
    table.raised("a").raised("b").raised("c", rule="other").until("13:00").resolved("b").until("15:00")
    assert table.messages() == ["03-02 12:00 ana mail raised c", "03-02 14:00 ana mail raised a silence_ended"]
    assert table.reasons() == ["raised a silenced s", "raised b silenced s", "resolved b never_told"]


def test_a_silence_that_is_ended_early() -> None:
    table = Timetable(person("ana")).silence("s", "14:00").raised("a").until("12:20").silence_ended("s")
    assert table.until("15:00").messages() == ["03-02 12:20 ana mail raised a silence_ended"]


def test_a_silence_holds_from_its_start_to_its_end_and_not_a_minute_more() -> None:
    table = Timetable(person("ana")).silence("s", "12:30", start="12:10")
    for minute, name in (("12:09", "a"), ("12:10", "b"), ("12:29", "c"), ("12:30", "d")):
        table.until(minute).raised(name)
    assert table.messages() == [
        "03-02 12:09 ana mail raised a",
        "03-02 12:30 ana mail raised b silence_ended",
        "03-02 12:30 ana mail raised c silence_ended",
        "03-02 12:30 ana mail raised d",
    ]


def test_two_silences_hold_as_long_as_the_longer_one() -> None:
    table = Timetable(person("ana")).silence("s", "13:00").silence("t", "14:00").raised("a").until("15:00")
    assert table.messages() == ["03-02 14:00 ana mail raised a silence_ended"]
    assert table.reasons() == ["raised a silenced s", "raised a silenced t"]


def test_a_silence_of_one_alert_leaves_others_alone_and_hides_no_end() -> None:
    table = Timetable(person("ana")).raised("a").silence("s", "14:00", alert="a")
    table.updated("a").raised("b").until("12:30").resolved("a").until("15:00")
    assert table.messages() == [
        "03-02 12:00 ana mail raised a",
        "03-02 12:00 ana mail raised b",
        "03-02 12:30 ana mail resolved a (update)",
    ]


def test_what_changed_while_it_was_silenced_is_told_as_it_stands() -> None:
    table = Timetable(person("ana")).silence("s", "14:00").raised("a").updated("a", level="critical")
    [notice] = table.until("14:30").items()
    assert isinstance(notice, Notice)
    assert (notice.changed.alert.level, notice.thread) == ("critical", notice.delivery)


def test_the_author_is_told_an_hour_before_the_end_and_once() -> None:
    table = Timetable(person("ana"), person("ben")).silence("s", "2026-03-03 12:00", by="ben")
    assert table.until("2026-03-03 13:00").messages() == ["03-03 11:00 ben mail silence"]
    short = Timetable(person("ana")).silence("s", "13:59").until("14:30")
    assert short.messages() == []
    stranger = Timetable(person("ana"), operator="ana").silence("s", "15:00", by="somebody").until("15:30")
    assert stranger.messages() == ["03-02 14:00 ana mail silence"]


# --- inhibition ---

OUTAGE = Inhibition(source=Want(rules=("outage",)), target=Want(tags=("visits",)), equal=("key.register",))


def test_an_open_alert_that_says_it_already_holds_others_back() -> None:
    table = Timetable(person("ana"), inhibitions=[OUTAGE])
    table.raised("out", rule="outage", key={"register": "x"})
    table.raised("a", tags=("visits",), key={"register": "x"}).raised("b", tags=("visits",), key={"register": "y"})
    table.raised("c", tags=("visits",), key={"register": "x"}, country="CHL", countries={"key": ("CHL",)})
    table.until("13:00").resolved("out").until("14:00")
    assert table.messages() == [
        "03-02 12:00 ana mail raised out",
        "03-02 12:00 ana mail raised b",
        "03-02 12:00 ana mail raised c",
        "03-02 13:00 ana mail resolved out (update)",
        "03-02 13:00 ana mail raised a inhibition_ended",
    ]
    assert table.reasons() == [f"raised a inhibited {table.alerts['out'].cite}"]


def test_nothing_is_inhibited_for_whoever_was_not_told_of_the_source() -> None:
    ben = person("ben", wants=(Want(tags=("visits",)),))
    table = (
        Timetable(person("ana"), ben, inhibitions=[OUTAGE]).raised("out", rule="outage").raised("a", tags=("visits",))
    )
    assert table.messages() == ["03-02 12:00 ana mail raised out", "03-02 12:00 ben mail raised a"]


def test_what_is_inhibited_and_over_is_never_told() -> None:
    table = Timetable(person("ana"), inhibitions=[OUTAGE]).raised("out", rule="outage").raised("a", tags=("visits",))
    table.until("12:30").retracted("a").until("13:00").resolved("out")
    assert [line[21:] for line in table.messages()] == ["raised out", "resolved out (update)"]


# --- deputies ---


def test_a_deputy_is_told_instead_on_the_days_that_are_given() -> None:
    ana = person("ana", deputy=Deputy(who="ben", start=date(2026, 3, 3), until=date(2026, 3, 3)))
    table = Timetable(ana, person("ben", wants=()), start="2026-03-02 23:59").raised("a")
    table.until("2026-03-03 00:00").raised("b").until("23:59").updated("a").until("2026-03-04 00:00").raised("c")
    table.resolved("a").resolved("b")
    assert table.messages() == [
        "03-02 23:59 ana mail raised a",
        "03-03 00:00 ben mail raised b for ana",
        "03-03 23:59 ben mail updated a for ana",
        "03-04 00:00 ana mail raised c",
        "03-04 00:00 ana mail resolved a (update)",
        "03-04 00:00 ben mail resolved a (update)",
        "03-04 00:00 ben mail resolved b (update)",
    ]
    assert table.reasons()[:2] == ["raised b away ben", "updated a away ben"]


def test_a_deputy_who_wants_it_anyway_is_told_once() -> None:
    table = Timetable(person("ana", deputy=Deputy(who="ben")), person("ben")).raised("a")
    assert table.messages() == ["03-02 12:00 ben mail raised a"]


def test_a_deputy_gets_nothing_that_the_other_did_not_want() -> None:
    ana = person("ana", wants=(Want(levels=("critical",)),), deputy=Deputy(who="ben"))
    assert Timetable(ana, person("ben", wants=())).raised("a").messages() == []


def test_a_deputy_who_is_away_has_a_deputy_too_and_a_ring_of_them_ends() -> None:
    ana, ben = person("ana", deputy=Deputy(who="ben")), person("ben", wants=(), deputy=Deputy(who="carl"))
    carl = person("carl", wants=())
    assert Timetable(ana, ben, carl).raised("a").messages() == ["03-02 12:00 carl mail raised a for ana"]
    ring = replace(carl, deputy=Deputy(who="ana"))
    assert Timetable(ana, ben, ring).raised("a").messages() == ["03-02 12:00 carl mail raised a for ana"]


# --- escalation ---

ROTA = (Duty(who="ana", days=(1, 2, 3, 4, 5)), Duty(who="ben"))
STEPS = (
    Escalation(after=1800, to="on_duty", levels=("high", "critical")),
    Escalation(after=7200, to="boss", levels=("critical",)),
)
ANA, BEN, BOSS = (person(name, wants=()) for name in ("ana", "ben", "boss"))
TEAM = person("desk", team=True, targets=(DESK,), on_duty=ROTA, escalate=STEPS)


def test_whoever_is_on_duty_is_called_in_when_nobody_acknowledges() -> None:
    table = Timetable(ANA, BEN, BOSS, TEAM).raised("a", level="critical").until("15:00")
    assert table.messages() == [
        "03-02 12:00 desk desk raised a",
        "03-02 12:30 ana mail raised a escalated",
        "03-02 14:00 boss mail raised a escalated",
    ]


def test_on_the_weekend_it_is_somebody_else() -> None:
    table = Timetable(ANA, BEN, BOSS, TEAM, start="2026-03-07 23:45").raised("a").until("2026-03-08 04:00")
    assert table.messages()[1:] == ["03-08 00:15 ben mail raised a escalated"]


@pytest.mark.parametrize(
    ("minute", "called"),
    [
        ("12:29", []),
        ("12:30", ["03-02 12:30 ana mail raised a escalated", "03-02 12:30 ana mail acknowledged a (update)"]),
    ],
)
def test_an_acknowledgement_just_before_and_just_after(minute: str, called: list[str]) -> None:
    table = Timetable(ANA, BEN, BOSS, TEAM).raised("a", level="critical").until(minute).acknowledged("a").until("20:00")
    assert [line for line in table.messages() if " desk desk " not in line] == called


def test_a_level_that_no_step_names_is_not_escalated_and_one_that_rises_is_from_its_step_on() -> None:
    table = Timetable(ANA, BEN, BOSS, TEAM).raised("a", level="medium").until("13:00").updated("a", level="critical")
    assert table.until("20:00").messages()[2:] == ["03-02 14:00 boss mail updated a escalated"]


def test_a_judgement_and_an_end_stop_it() -> None:
    table = Timetable(ANA, BEN, BOSS, TEAM).raised("a", judgement="false").raised("b").until("12:10").resolved("b")
    assert [line for line in table.until("20:00").messages() if " desk desk " not in line] == []


def test_what_is_silenced_is_escalated_when_the_silence_ends() -> None:
    table = Timetable(ANA, BEN, BOSS, TEAM).raised("a").until("12:10").silence("s", "16:00", alert="a")
    assert table.until("20:00").messages()[1:] == ["03-02 16:00 ana mail raised a escalated"]
    hidden = Timetable(ANA, BEN, BOSS, TEAM).silence("s", "16:00").raised("a").until("20:00")
    assert hidden.messages() == [
        "03-02 16:00 desk desk raised a silence_ended",
        "03-02 16:30 ana mail raised a escalated",
    ]


def test_a_call_waits_for_no_quiet_hours_and_goes_into_no_digest() -> None:
    ana = replace(ANA, quiet=NIGHT, digest=DIGEST)
    table = Timetable(ana, BEN, BOSS, TEAM, start="2026-03-02 23:00").raised("a").until("23:45")
    assert table.messages()[1:] == ["03-02 23:30 ana mail raised a escalated"]


def test_somebody_who_was_told_already_is_called_in_all_the_same() -> None:
    table = Timetable(person("ana"), BEN, BOSS, TEAM).raised("a").until("13:00")
    assert table.messages() == [
        "03-02 12:00 ana mail raised a",
        "03-02 12:00 desk desk raised a",
        "03-02 12:30 ana mail raised a escalated (update)",
    ]


def test_who_is_called_in_and_is_away_has_a_deputy() -> None:
    table = Timetable(replace(ANA, deputy=Deputy(who="ben")), BEN, BOSS, TEAM).raised("a").until("13:00")
    assert table.messages()[1:] == ["03-02 12:30 ben mail raised a escalated"]


def test_a_leap_of_the_clock_takes_each_step_at_its_time() -> None:
    table = Timetable(ANA, BEN, BOSS, TEAM)
    table.raised("a", level="critical").step = timedelta(days=2)
    assert table.until("2026-03-04 12:00").messages()[1:] == [
        "03-02 12:30 ana mail raised a escalated",
        "03-02 14:00 boss mail raised a escalated",
    ]


def test_what_was_given_to_somebody_is_told_at_once_to_them_and_to_all_who_were_told() -> None:
    table = Timetable(person("ana"), replace(BEN, quiet=NIGHT), start="2026-03-02 23:00").raised("a")
    assert table.until("23:10").assigned("a", "ben").until("23:20").resolved("a").messages() == [
        "03-02 23:00 ana mail raised a",
        "03-02 23:10 ana mail assigned a (update)",
        "03-02 23:10 ben mail assigned a assigned",
        "03-02 23:20 ana mail resolved a (update)",
    ]


def test_an_alert_that_was_closed_and_comes_back_is_escalated_anew() -> None:
    table = Timetable(ANA, BEN, BOSS, TEAM).raised("a").until("12:10").resolved("a").until("13:00").updated("a")
    assert table.until("14:00").messages()[3:] == ["03-02 13:30 ana mail updated a escalated"]
    assert table.alerts["a"].state == State.OPEN


# --- ceilings ---


def test_what_is_too_confidential_is_told_neither_to_them_nor_by_that_way() -> None:
    open_desk = Target(kind="slack", via="desk", address_hash="01", tlp="GREEN")
    table = Timetable(person("ana", targets=(MAIL, open_desk), tlp="AMBER"), person("ben", tlp="GREEN"))
    table.raised("a", tlp="AMBER").raised("b", tlp="RED").raised("c").raised("d", tlp="nonsense")
    assert table.messages() == [
        "03-02 12:00 ana mail raised a",
        "03-02 12:00 ana mail raised c",
        "03-02 12:00 ana desk raised c",
        "03-02 12:00 ben mail raised c",
        "03-02 12:00 ana mail raised d",
        "03-02 12:00 ana desk raised d",
        "03-02 12:00 ben mail raised d",
    ]
    assert table.reasons("ben") == ["raised a confidential", "raised b confidential"]


def test_what_became_too_confidential_closes_without_a_word_of_it() -> None:
    table = Timetable(person("ana", tlp="GREEN")).raised("a")
    secret = replace(table.alerts["a"].events[0], data={"tlp": "RED", "summary": "a secret"})
    table.updated("a", events=(secret,), title={"en": "a secret", "es": "a secret"}).resolved("a")
    assert table.messages() == ["03-02 12:00 ana mail raised a", "03-02 12:00 ana mail resolved a (update)"]
    assert all("a secret" not in str(item) for item in table.items())


# --- subscriptions ---


def test_an_ended_subscription_tells_nothing_more_by_that_way_until_it_is_resumed() -> None:
    table = Timetable(person("ana", targets=(MAIL, DESK))).raised("a").until("12:10").unsubscribed("ana")
    table.raised("b").resolved("a").until("12:20").resubscribed("ana").raised("c")
    assert table.messages() == [
        "03-02 12:00 ana mail raised a",
        "03-02 12:00 ana desk raised a",
        "03-02 12:10 ana desk raised b",
        "03-02 12:10 ana desk resolved a (update)",
        "03-02 12:20 ana mail raised c",
        "03-02 12:20 ana desk raised c",
    ]
    assert table.reasons() == ["raised b unsubscribed", "resolved a unsubscribed"]
