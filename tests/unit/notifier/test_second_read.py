"""What a second reader of the notifier found: somebody not told, told twice, or told what is not so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from almenara.domain.alert import Reason, Search
from almenara.domain.audience import Deputy, Digest, Escalation, Inhibition, Limit, Quiet, Target, Want
from almenara.domain.errors import Rejected
from almenara.domain.event import AUDIENCE, SILENCE, TICK, UNSUBSCRIBE, Event
from almenara.domain.notice import DigestNotice, Notice
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.route import silence_of
from almenara.notifier.words.messages import message_of
from almenara.notifier.words.vocabulary import country_names, joined
from almenara.ports.log import NOTICES, read_range
from almenara.ports.wire import decode_delivery, encode_event
from timetable import DESK, MAIL, Timetable, person

NIGHT = Quiet(daily=(22 * 60, 6 * 60 + 30))
EVENING = Digest(at=(18 * 60,))


# --- what people call in waits for nothing ---


def test_a_call_about_what_is_beyond_the_limit_does_not_wait_for_the_digest() -> None:
    ana = person("ana", limit=Limit(per_hour=1), digest=EVENING)
    steps = (Escalation(after=1800, to="ana"),)
    team = person("desk", team=True, targets=(DESK,), escalate=steps)
    table = Timetable(ana, team).raised("a").until("12:01").raised("b").until("12:10").acknowledged("a")
    table.until("12:40")
    assert "03-02 12:31 ana mail raised b escalated" in table.messages()


def test_what_is_assigned_beyond_the_limit_is_told_at_once_and_says_so() -> None:
    table = Timetable(person("ana", limit=Limit(per_hour=1), digest=EVENING)).raised("a").raised("b")
    assert table.until("12:10").assigned("b", "ana").messages()[-1] == "03-02 12:10 ana mail assigned b assigned"


def test_a_level_that_never_waits_does_not_wait_behind_the_limit() -> None:
    quiet = Quiet(daily=NIGHT.daily, except_levels=("critical",))
    table = Timetable(person("ana", limit=Limit(per_hour=1), digest=EVENING, quiet=quiet)).raised("a").raised("b")
    assert table.until("12:10").updated("b", level="critical").messages()[-1] == "03-02 12:10 ana mail raised b"


def test_who_is_given_something_that_waits_reads_that_it_was_given_to_them() -> None:
    table = Timetable(person("ana", quiet=NIGHT), start="2026-03-02 23:00").raised("a")
    assert table.until("23:30").assigned("a", "ana").messages() == ["03-02 23:30 ana mail assigned a assigned"]


# --- deputies of those who were held back ---


@pytest.mark.parametrize("away_first", [True, False])
def test_a_deputy_is_told_what_a_silence_held_back_from_the_other(away_first: bool) -> None:
    ana, ben = person("ana", targets=(MAIL, DESK)), person("ben", wants=(), targets=(MAIL, DESK))
    gone = replace(ana, deputy=Deputy(who="ben"))
    table = Timetable(gone if away_first else ana, ben).silence("s", "14:00").raised("a")
    table.until("13:00").people(gone, ben).until("15:00")
    assert table.messages() == [
        "03-02 14:00 ben mail raised a silence_ended for ana",
        "03-02 14:00 ben desk raised a silence_ended for ana",
    ]


def test_who_is_back_when_a_silence_ends_is_told_and_the_deputy_is_not() -> None:
    ana, ben = person("ana"), person("ben", wants=())
    table = Timetable(replace(ana, deputy=Deputy(who="ben")), ben).silence("s", "14:00").raised("a")
    table.until("13:00").people(ana, ben).until("15:00")
    assert table.messages() == ["03-02 14:00 ana mail raised a silence_ended"]


def test_a_deputy_who_has_heard_is_not_told_again_for_the_other() -> None:
    ana, ben = person("ana"), person("ben")
    table = Timetable(ana, ben).silence("s", "14:00").raised("a").until("13:00")
    table.people(replace(ana, deputy=Deputy(who="ben")), ben).until("15:00")
    assert table.messages() == ["03-02 14:00 ben mail raised a silence_ended"]


# --- whoever was told hears how it ends ---


def test_a_retraction_is_told_to_whom_an_earlier_life_of_the_alert_was_told() -> None:
    table = Timetable(person("ana", quiet=NIGHT)).raised("a").until("13:00").resolved("a")
    table.until("23:00").updated("a").until("23:30").retracted("a").until("2026-03-03 07:00")
    assert table.messages()[2:] == ["03-03 06:30 ana mail retracted a (update)"]


def test_a_retraction_is_told_to_who_left_and_came_back() -> None:
    ana = person("ana", quiet=NIGHT)
    table = Timetable(ana).raised("a").until("13:00").people().until("14:00").people(ana)
    table.until("23:00").updated("a").until("23:30").retracted("a").until("2026-03-03 07:00")
    assert table.messages()[1:] == ["03-03 06:30 ana mail retracted a (update)"]


def test_what_fell_twice_before_anybody_heard_is_not_told() -> None:
    table = Timetable(person("ana", quiet=NIGHT), start="2026-03-02 23:00").raised("a").until("23:10").retracted("a")
    table.until("23:20").updated("a").until("23:30").retracted("a").until("2026-03-03 07:00")
    assert table.messages() == []


def test_who_was_told_by_a_channel_that_is_renamed_hears_the_end_by_the_new_one() -> None:
    ana = person("ana", targets=(DESK,))
    moved = replace(ana, targets=(Target(kind="slack", via="office", address_hash="01"),))
    table = Timetable(ana).raised("a").until("13:00").people(moved).until("13:10").retracted("a")
    assert table.messages() == ["03-02 12:00 ana desk raised a", "03-02 13:10 ana office retracted a"]
    assert table.reasons() == ["retracted a left"]
    both = Timetable(person("ana", targets=(MAIL, DESK))).raised("a").people(person("ana")).until("12:10")
    assert both.retracted("a").messages()[2:] == ["03-02 12:10 ana mail retracted a (update)"]


# --- teams, steps and their times ---


def test_other_steps_lose_no_call_and_repeat_none() -> None:
    ana, boss = person("ana", wants=()), person("boss", wants=())
    half, two = Escalation(after=1800, to="ana"), Escalation(after=7200, to="boss")
    desk = person("desk", team=True, targets=(DESK,), escalate=(half, two))
    table = Timetable(ana, boss, desk).raised("a").until("13:00").people(ana, boss, replace(desk, escalate=(two,)))
    assert table.until("15:00").messages()[1:] == [
        "03-02 12:30 ana mail raised a escalated",
        "03-02 14:00 boss mail raised a escalated",
    ]
    table = Timetable(ana, boss, replace(desk, escalate=(half,))).raised("a").until("13:00")
    soon = Escalation(after=600, to="boss")
    table.people(ana, boss, replace(desk, escalate=(soon, half)))
    assert table.until("15:00").messages()[1:] == ["03-02 12:30 ana mail raised a escalated"]


def test_who_was_called_in_is_not_told_again_when_the_inhibition_ends() -> None:
    outage = Inhibition(source=Want(rules=("outage",)), target=Want(rules=("r",)))
    steps = (Escalation(after=1800, to="ana"),)
    desk = person("desk", team=True, targets=(DESK,), wants=(Want(rules=("r",)),), escalate=steps)
    table = Timetable(person("ana"), desk, inhibitions=[outage]).raised("out", rule="outage").raised("a")
    table.until("13:00").resolved("out").until("13:30")
    assert [line for line in table.messages() if "ana mail" in line] == [
        "03-02 12:00 ana mail raised out",
        "03-02 12:30 ana mail raised a escalated",
        "03-02 13:00 ana mail resolved out (update)",
    ]


# --- silences ---


def test_a_silence_holds_from_its_record_on_though_the_clock_is_behind() -> None:
    table = Timetable(person("ana"))
    table.clock += timedelta(seconds=40)
    table.silence("s", "13:00")
    table.clock -= timedelta(seconds=40)  # the clock of the record is that of its last tick
    assert table.raised("a").until("13:10").messages() == ["03-02 13:00 ana mail raised a silence_ended"]


def test_a_silence_of_impossible_times_is_rejected_and_not_a_failure() -> None:
    data = {"silence": "s", "until": "0001-01-01T00:00:00+14:00"}
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    event = Event(id="s", source="t", type=SILENCE, time=moment, recorded=moment, country="ZZZ", data=data)
    with pytest.raises(Rejected, match="bad_data"):
        silence_of(event)


def test_the_operator_is_told_of_a_silence_whose_author_cannot_be_told() -> None:
    table = Timetable(person("ana"), person("ben", targets=()), operator="ana").silence("s", "15:00", by="ben")
    assert table.until("15:10").messages() == ["03-02 14:00 ana mail silence"]


def test_a_team_that_is_told_through_a_deputy_escalates_all_the_same() -> None:
    steps = (Escalation(after=1800, to="boss"),)
    team = person("desk", team=True, targets=(DESK,), escalate=steps, deputy=Deputy(who="ben"))
    for ben in (person("ben", wants=()), person("ben")):
        table = Timetable(person("boss", wants=()), ben, team).raised("a").until("13:00")
        assert table.messages()[-1] == "03-02 12:30 boss mail raised a escalated"


def test_a_digest_counts_the_levels_of_those_that_it_does_not_show() -> None:
    table = Timetable(person("ana", digest=Digest(at=(18 * 60,), levels=("high", "low")), language="es"))
    for number in range(41):
        table.raised(f"n{number}")
    *_, digest = table.until("18:10").items()
    assert isinstance(digest, DigestNotice)
    message = message_of(digest)
    assert "41 alertas, 41 altas" in message.headline
    more = next(one for one in message.paragraphs if one.label == "Más")
    assert more.text == "1 alerta más, no mostrada; quien opera Almenara puede verla en la lista."


# --- what a digest and the message after a night say ---


def test_what_is_judged_after_its_end_does_not_stand_open() -> None:
    table = Timetable(person("ana", digest=Digest(at=(18 * 60,), when_empty=True))).raised("a").until("12:30")
    table.resolved("a").until("13:00").judged("a").until("18:10")
    *_, digest = table.items()
    assert isinstance(digest, DigestNotice)
    assert (digest.open, digest.closed) == (0, 1)


def test_four_repeats_that_fall_due_together_are_no_message_of_quiet_hours() -> None:
    table = Timetable(person("ana"))
    for name in "abcd":
        table.raised(name)
    table.until("12:05")
    for name in "abcd":
        table.updated(name, Reason.MORE_EVENTS)
    assert table.until("12:30").messages()[4:] == [f"03-02 12:10 ana mail updated {name} (update)" for name in "abcd"]


def test_the_message_after_a_night_speaks_of_that_night() -> None:
    table = Timetable(person("ana", quiet=NIGHT)).raised("old").until("12:30").resolved("old")
    table.silence("s", "2026-03-02 20:00", matcher={"rules": ["x"]}).raised("x", rule="x").step = timedelta(minutes=30)
    table.until("2026-03-05 23:00")
    for name in "abcd":
        table.raised(name)
    *_, found = table.until("2026-03-06 07:00").items()
    assert isinstance(found, DigestNotice)
    assert (found.since, found.closed, found.held_back) == (table.alerts["a"].raised_at, 0, {})
    assert "6 Mar 2026" in message_of(found).headline


def test_a_shadow_rule_names_no_silent_source() -> None:
    table = Timetable(person("ana", digest=Digest(at=(18 * 60,), when_empty=True)))
    table.raised("s", tags=("source_silent",), key={"source.id": "x"}, shadow=True)
    [digest] = table.until("18:10").items()
    assert isinstance(digest, DigestNotice)
    assert digest.silent == ()


# --- ended subscriptions ---


def test_no_empty_digest_after_an_ended_subscriber_left_and_came_back() -> None:
    ana = person("ana", digest=Digest(at=(18 * 60,), when_empty=True))
    table = Timetable(ana).unsubscribed("ana").until("12:10").people().until("12:20").people(ana).until("18:10")
    assert table.messages() == []


def test_what_a_partition_that_is_behind_still_plans_is_not_told_after_the_end() -> None:
    notices = Timetable(person("ana")).raised("a")
    notices.messages()
    audience = next(iter(read_range(notices, NOTICES, 0)))
    assert audience.id.startswith(AUDIENCE)
    fold = PlanProcessor(notices, 1).open(0, None, lambda after, upto: [])
    fold.apply(audience)
    ended, late = (
        Event(id=f"{what}", source="t", type=what, time=at, recorded=at, country="ZZZ", data=data)
        for what, at, data in (
            (UNSUBSCRIBE, notices.clock + timedelta(minutes=1), {"subscriber": "ana", "via": "mail"}),
            (TICK, notices.clock + timedelta(minutes=2), {}),
        )
    )
    planned = [one for one in read_range(notices, NOTICES, 0) if b'"planned"' in one.body]
    for event in (ended, late):
        fold.apply(planned[0]._replace(body=encode_event(event)))
    outputs = fold.apply(planned[0])
    assert outputs.sends == []
    [step] = [decode_delivery(one.body) for one in outputs.entries]
    assert (step.state, step.detail) == ("dropped", "unsubscribed")


def test_lists_in_spanish_say_e_before_i() -> None:
    assert joined(["China", "Irán"], "es") == "China e Irán"
    assert joined(["China", "India", "Hierro"], "es") == "China, India y Hierro"
    assert country_names(["USA", "ISR"], "es") == "Estados Unidos e Israel"
    assert joined(["China", "India"], "en") == "China and India"


# --- ceilings, inhibition, words ---


def test_an_entry_that_is_too_confidential_is_not_told_with_the_end_that_it_brings() -> None:
    table = Timetable(person("ana", tlp="GREEN")).raised("a")
    entry = replace(table.alerts["a"].events[0], id="entry", data={"tlp": "RED"})
    *_, end = table.until("12:10").retracted("a", joined=(entry,)).items()
    assert isinstance(end, Notice)
    assert (str(end.changed.change), end.changed.joined, dict(end.changed.alert.title)) == ("retracted", (), {})


def test_the_nearest_entries_count_for_how_confidential_an_alert_is() -> None:
    table = Timetable(person("ana", tlp="GREEN"), person("ben", tlp="RED")).raised("x")
    entry = replace(table.alerts["x"].events[0], id="entry", data={"tlp": "RED"})
    search = Search(start=table.clock, end=table.clock, nearest=(entry,))
    table.raised("a", search=search)
    assert [line.split()[2] for line in table.messages() if line.endswith("raised a")] == ["ben"]
    assert table.reasons() == ["raised a confidential"]


def test_what_is_inhibited_is_told_when_the_other_says_it_no_longer() -> None:
    outage = Inhibition(source=Want(levels=("critical",)), target=Want(rules=("r",)))
    table = Timetable(person("ana"), inhibitions=[outage])
    table.raised("out", rule="outage", level="critical").raised("a").until("12:30").updated("out", level="low")
    assert table.messages()[1:] == [
        "03-02 12:30 ana mail updated out (update)",
        "03-02 12:30 ana mail raised a inhibition_ended",
    ]


# --- the clock ---


def test_a_machine_whose_clock_is_wrong_moves_no_hours() -> None:
    table = Timetable(person("ana", quiet=NIGHT, digest=EVENING), person("boss", wants=()), start="2026-03-02 12:00")
    table.raised("a").silence("s", "2026-03-03 12:00", matcher={"rules": ["x"]}).raised("x", rule="x").until("12:10")
    table.clock += timedelta(hours=11)  # night on the machine of whoever gives commands
    table.acknowledged("a").silence_ended("none").unsubscribed("boss").people(person("ana", quiet=NIGHT))
    table.clock -= timedelta(hours=11)
    assert table.raised("b").until("12:30").messages() == [
        "03-02 12:00 ana mail raised a",
        "03-02 12:10 ana mail acknowledged a (update)",
        "03-02 12:10 ana mail raised b",
    ]
