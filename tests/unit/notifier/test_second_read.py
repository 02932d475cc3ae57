"""What a second reader of the notifier found: somebody not told, told twice, or told what is not so."""

from almenara.domain.audience import Digest, Escalation, Limit, Quiet
from timetable import DESK, Timetable, person

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
