"""Timetables of quiet hours, digests, limits and repeats: exactly these messages at these minutes."""

from datetime import timedelta

import pytest

from almenara.domain.alert import Reason
from almenara.domain.audience import Digest, Limit, Quiet
from almenara.domain.notice import DigestNotice
from timetable import DESK, MAIL, Timetable, person

NIGHT = Quiet(daily=(22 * 60, 6 * 60 + 30))
MORNING = Digest(at=(7 * 60 + 30,))
MADRID = "Europe/Madrid"


def test_at_once_where_nothing_holds_it_back() -> None:
    table = Timetable(person("ana", targets=(MAIL, DESK))).raised("a").until("12:07").resolved("a")
    assert table.messages() == [
        "03-02 12:00 ana mail raised a",
        "03-02 12:00 ana desk raised a",
        "03-02 12:07 ana mail resolved a (update)",
        "03-02 12:07 ana desk resolved a (update)",
    ]


# --- quiet hours ---


def test_the_night_waits_until_its_last_minute() -> None:
    table = Timetable(person("ana", quiet=NIGHT), start="2026-03-02 21:59").raised("a")
    table.until("22:00").raised("b").until("2026-03-03 06:29").raised("c").until("06:30").raised("d").until("07:00")
    assert table.messages() == [
        "03-02 21:59 ana mail raised a",
        "03-03 06:30 ana mail raised b",
        "03-03 06:30 ana mail raised c",
        "03-03 06:30 ana mail raised d",
    ]
    assert table.steps() == [
        "held quiet_hours 03-03 06:30 ana raised b",
        "held quiet_hours 03-03 06:30 ana raised c",
    ]


def test_a_level_that_is_excepted_wakes_her() -> None:
    quiet = Quiet(daily=NIGHT.daily, except_levels=("critical",))
    table = Timetable(person("ana", quiet=quiet), start="2026-03-02 23:00")
    table.raised("a", level="critical").raised("b").until("23:30").updated("b", level="critical")
    # what waited goes out with the update that may not wait: one message, as it stands
    assert table.messages() == ["03-02 23:00 ana mail raised a", "03-02 23:30 ana mail raised b"]
    assert table.steps()[-1] == "joined ana raised b"


def test_quiet_time_in_the_middle_of_the_day() -> None:
    table = Timetable(person("ana", quiet=Quiet(daily=(13 * 60, 14 * 60))), start="2026-03-02 12:59").raised("a")
    table.until("13:00").raised("b").until("13:59").raised("c").until("15:00")
    assert [line[6:11] for line in table.messages()] == ["12:59", "14:00", "14:00"]


def test_a_night_that_runs_into_a_weekend_ends_on_monday_morning() -> None:
    quiet = Quiet(daily=NIGHT.daily, weekends=True)
    table = Timetable(person("ana", quiet=quiet), start="2026-03-06 22:30").raised("a")  # a Friday
    table.until("2026-03-07 12:00").raised("b").until("2026-03-09 08:00")
    assert table.messages() == ["03-09 06:30 ana mail raised a", "03-09 06:30 ana mail raised b"]


def test_a_weekend_alone_ends_at_midnight() -> None:
    table = Timetable(person("ana", quiet=Quiet(weekends=True)), start="2026-03-07 10:00").raised("a")
    assert table.until("2026-03-09 01:00").messages() == ["03-09 00:00 ana mail raised a"]


def test_in_spring_the_skipped_hour_ends_when_the_change_is_over() -> None:
    # on 29 March 2026 the clocks of Madrid go from 02:00 to 03:00
    ana = person("ana", quiet=Quiet(daily=(22 * 60, 2 * 60 + 30)), time_zone=MADRID)
    table = Timetable(ana, start="2026-03-28 23:00", zone=MADRID).raised("a").until("2026-03-29 05:00")
    assert table.messages() == ["03-29 03:30 ana mail raised a"]


def test_in_autumn_the_night_is_an_hour_longer() -> None:
    # on 25 October 2026 the clocks of Madrid go from 03:00 back to 02:00
    ana = person("ana", quiet=NIGHT, time_zone=MADRID)
    table = Timetable(ana, start="2026-10-24 22:30", zone=MADRID).raised("a").until("2026-10-25 08:00")
    assert table.messages() == ["10-25 06:30 ana mail raised a"]
    (item,) = table.items()
    assert item.due - table.alerts["a"].raised_at == timedelta(hours=9)


def test_in_the_hour_that_comes_twice_quiet_time_ends_once() -> None:
    ana = person("ana", quiet=Quiet(daily=(22 * 60, 2 * 60 + 30)), time_zone=MADRID)
    table = Timetable(ana, start="2026-10-25 01:00", zone=MADRID).raised("a")
    table.until("2026-10-25 02:40").raised("b").until("2026-10-25 02:10 +1").raised("c").until("2026-10-25 05:00")
    told = {one.changed.alert.uid: (one.due - table.alerts[one.changed.alert.uid].raised_at) for one in table.items()}
    assert told == {"a": timedelta(minutes=90), "b": timedelta(0), "c": timedelta(minutes=20)}


def test_what_was_retracted_in_the_night_is_not_told() -> None:
    table = Timetable(person("ana", quiet=NIGHT), start="2026-03-02 23:00")
    table.raised("a").until("23:30").retracted("a").until("2026-03-03 08:00")
    assert table.messages() == []
    assert table.steps()[1:] == ["dropped retracted_untold ana raised a", "dropped retracted_untold ana retracted a"]


def test_what_was_true_and_is_over_is_told_once_as_it_ended() -> None:
    table = Timetable(person("ana", quiet=NIGHT), start="2026-03-02 23:00")
    table.raised("a").until("23:30").resolved("a").until("2026-03-03 08:00")
    assert table.messages() == ["03-03 06:30 ana mail resolved a"]
    assert table.steps()[-1] == "joined ana raised a"


def test_many_that_waited_come_as_one_message() -> None:
    table = Timetable(person("ana", quiet=NIGHT), start="2026-03-02 23:00")
    for name in "abcd":
        table.raised(name, level="critical" if name == "c" else "high")
    table.until("2026-03-03 06:40").resolved("b")
    assert table.messages() == [
        "03-03 06:30 ana mail quiet_hours: raised c, raised a, raised b, raised d",
        "03-03 06:40 ana mail resolved b (update)",
    ]
    [digest, update] = table.items()
    assert update.thread == digest.delivery  # type: ignore[union-attr]


# --- digests ---


def test_digest_levels_wait_for_the_digest_and_others_do_not() -> None:
    digest = Digest(at=MORNING.at, days=(1, 2, 3, 4, 5), levels=("medium", "low"))
    table = Timetable(person("ana", digest=digest), start="2026-03-06 07:30")  # a Friday
    table.raised("a", level="medium").raised("b").until("2026-03-08 12:00").raised("c", level="low")
    assert table.until("2026-03-09 08:00").messages() == [
        "03-06 07:30 ana mail raised b",
        "03-09 07:30 ana mail digest: raised a, raised c",
    ]


@pytest.mark.parametrize(("when_empty", "told"), [(True, ["03-03 07:30 ana mail digest: nothing"]), (False, [])])
def test_an_empty_digest_is_sent_where_it_is_wished_for(when_empty: bool, told: list[str]) -> None:
    digest = Digest(at=MORNING.at, when_empty=when_empty)
    assert Timetable(person("ana", digest=digest)).until("2026-03-03 07:40").messages() == told


def test_a_digest_of_five_hundred_tells_the_most_severe_and_counts_the_rest() -> None:
    table = Timetable(person("ana", digest=Digest(at=MORNING.at, levels=("low", "medium"))))
    for number in range(500):
        table.raised(f"n{number:03}", level="medium" if number % 50 == 0 else "low")
    table.until("2026-03-03 07:40")
    [digest] = table.items()
    assert isinstance(digest, DigestNotice)
    assert (len(digest.notices), digest.more, digest.open) == (40, 460, 500)
    assert [one.changed.alert.level for one in digest.notices[:10]] == ["medium"] * 10
    assert sum(step.startswith("joined") for step in table.steps()) == 500


def test_a_retraction_of_something_that_waits_in_a_digest() -> None:
    table = Timetable(person("ana", digest=Digest(at=MORNING.at, levels=("low",))))
    table.raised("a", level="low").raised("b", level="low").until("18:00").retracted("a")
    assert table.until("2026-03-03 07:40").messages() == ["03-03 07:30 ana mail digest: raised b"]


def test_a_retraction_of_something_that_a_digest_told_is_told_in_the_next() -> None:
    table = Timetable(person("ana", digest=Digest(at=MORNING.at, levels=("low",))))
    table.raised("a", level="low").until("2026-03-03 12:00").retracted("a")
    assert table.until("2026-03-04 08:00").messages() == [
        "03-03 07:30 ana mail digest: raised a",
        "03-04 07:30 ana mail digest: retracted a",
    ]


def test_a_digest_counts_what_stands_open_what_closed_and_what_was_held_back() -> None:
    table = Timetable(person("ana", digest=MORNING))
    table.silence("s", "2026-03-04 12:00", matcher={"rules": ["quiet"]})
    table.raised("a").raised("b").raised("c", rule="quiet").until("13:00").resolved("a")
    table.raised("src", tags=("source_silent",), key={"source.id": "pe_gestion"}, rule="source_silent")
    table.raised("d", level="low").people(person("ana", digest=Digest(at=MORNING.at, when_empty=True)))
    [*_, digest] = table.until("2026-03-03 07:40").items()
    assert isinstance(digest, DigestNotice)
    assert (digest.open, digest.closed, digest.held_back) == (3, 1, {"silenced": 1})
    assert [one.source for one in digest.silent] == ["pe_gestion"]


def test_digests_keep_to_the_clock_on_the_wall_when_it_changes() -> None:
    ana = person("ana", digest=Digest(at=(2 * 60 + 30,), when_empty=True), time_zone=MADRID)
    table = Timetable(ana, start="2026-03-28 12:00", zone=MADRID).until("2026-03-30 12:00")
    assert table.messages() == ["03-29 03:30 ana mail digest: nothing", "03-30 02:30 ana mail digest: nothing"]
    table = Timetable(ana, start="2026-10-24 12:00", zone=MADRID).until("2026-10-26 12:00")
    assert table.messages() == ["10-25 02:30 ana mail digest: nothing", "10-26 02:30 ana mail digest: nothing"]


def test_of_the_digests_that_a_leap_passed_over_only_the_last_is_sent() -> None:
    table = Timetable(person("ana", digest=Digest(at=MORNING.at, when_empty=True, levels=("low",))))
    table.raised("a", level="low")
    table.step = timedelta(days=4)
    assert table.until("2026-03-06 12:00").messages() == ["03-06 07:30 ana mail digest: raised a"]


def test_two_digests_a_day() -> None:
    digest = Digest(at=(7 * 60 + 30, 18 * 60), levels=("low",))
    table = Timetable(person("ana", digest=digest)).raised("a", level="low").until("20:00").raised("b", level="low")
    assert table.until("2026-03-03 08:00").messages() == [
        "03-02 18:00 ana mail digest: raised a",
        "03-03 07:30 ana mail digest: raised b",
    ]


# --- limits and repeats ---


def test_what_is_beyond_the_limit_goes_into_the_digest() -> None:
    table = Timetable(person("ana", limit=Limit(per_hour=2), digest=Digest(at=(18 * 60,))))
    table.raised("a").until("12:10").raised("b").until("12:59").raised("c").until("13:00").raised("d")
    table.until("13:05").resolved("c")
    assert table.until("18:30").messages() == [
        "03-02 12:00 ana mail raised a",
        "03-02 12:10 ana mail raised b",
        "03-02 13:00 ana mail raised d",
        "03-02 18:00 ana mail digest: resolved c",
    ]
    assert table.steps()[0] == "held rate_limit 03-02 18:00 ana raised c"


def test_each_channel_has_a_limit_of_its_own() -> None:
    ana = person("ana", limit=Limit(per_hour=1), digest=Digest(at=(18 * 60,)), targets=(MAIL, DESK))
    table = Timetable(ana).raised("a").raised("b")
    assert table.messages() == ["03-02 12:00 ana mail raised a", "03-02 12:00 ana desk raised a"]


def test_repeats_are_joined_and_told_ten_minutes_after_the_last_message() -> None:
    table = Timetable(person("ana")).raised("a")
    for minute in (2, 5, 9):
        table.until(f"12:{minute:02}").updated("a", Reason.MORE_EVENTS)
    table.until("12:30")
    assert table.messages() == ["03-02 12:00 ana mail raised a", "03-02 12:10 ana mail updated a (update)"]


def test_what_is_more_than_a_repeat_does_not_wait_and_takes_it_along() -> None:
    table = Timetable(person("ana")).raised("a").until("12:02").updated("a", Reason.ANOTHER_SOURCE)
    table.until("12:03").updated("a", Reason.SOURCE_READ).until("12:04").updated("a", Reason.ANOTHER_SOURCE)
    table.until("12:05").resolved("a").until("13:00")
    assert table.messages() == [
        "03-02 12:00 ana mail raised a",
        "03-02 12:03 ana mail updated a (update)",
        "03-02 12:05 ana mail resolved a (update)",
    ]


def test_a_repeat_that_would_go_out_at_night_waits_for_the_morning() -> None:
    table = Timetable(person("ana", quiet=NIGHT), start="2026-03-02 21:55").raised("a")
    table.until("21:58").updated("a", Reason.MORE_EVENTS).until("2026-03-03 07:00")
    assert table.messages() == ["03-02 21:55 ana mail raised a", "03-03 06:30 ana mail updated a (update)"]


# --- the audience changes while something waits ---


def test_who_leaves_is_told_nothing_more() -> None:
    table = Timetable(person("ana", quiet=NIGHT), person("ben"), start="2026-03-02 23:00")
    table.raised("a").until("23:30").people(person("ben")).until("2026-03-03 07:00").resolved("a")
    assert table.messages() == ["03-02 23:00 ben mail raised a", "03-03 07:00 ben mail resolved a (update)"]
    assert table.steps()[-1] == "dropped left ana raised a"
    assert table.reasons() == ["resolved a left"]


def test_other_hours_hold_from_now_on() -> None:
    table = Timetable(person("ana", quiet=NIGHT), start="2026-03-02 23:00").raised("a").until("23:30")
    assert table.people(person("ana")).messages() == ["03-02 23:30 ana mail raised a"]
    table = Timetable(person("ana", quiet=NIGHT), start="2026-03-02 23:00").raised("a").until("23:30")
    table.people(person("ana", quiet=Quiet(daily=(22 * 60, 8 * 60)))).until("2026-03-03 09:00")
    assert table.messages() == ["03-03 08:00 ana mail raised a"]


def test_another_address_is_used_for_what_waits() -> None:
    table = Timetable(person("ana", quiet=NIGHT), start="2026-03-02 23:00").raised("a").until("23:30")
    moved = person("ana", quiet=NIGHT, targets=(type(MAIL)(kind="mail", via="mail", address_hash="99"),))
    [notice] = table.people(moved).until("2026-03-03 07:00").items()
    assert getattr(notice, "address_hash", "") == "99"


@pytest.mark.parametrize("batch", [1, 3, 500])
@pytest.mark.parametrize("step", [1, 7, 60])
def test_the_plan_depends_on_no_batch_and_hardly_on_how_often_the_clock_ticks(batch: int, step: int) -> None:
    ana = person("ana", quiet=NIGHT, digest=Digest(at=(18 * 60,), levels=("low",)), limit=Limit(per_hour=3))
    table = Timetable(ana)
    table.batch, table.step = batch, timedelta(minutes=step)
    for hour, name in ((13, "a"), (19, "b"), (22, "c"), (23, "d")):
        table.until(f"{hour}:00").raised(name, level="low" if name == "b" else "high")
    table.until("2026-03-03 20:00")
    assert table.messages() == [
        "03-02 13:00 ana mail raised a",
        "03-03 06:30 ana mail raised c",
        "03-03 06:30 ana mail raised d",
        "03-03 18:00 ana mail digest: raised b",
    ]
