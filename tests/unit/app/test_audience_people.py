"""Hours, digests, limits, deputies, duty, escalation, inhibition, ceilings: as they are meant, all faults at once."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.app.audience_fields import days_of, minutes_of
from almenara.app.fields import Invalid
from almenara.domain.audience import Deputy, Digest, Duty, Escalation, Inhibition, Limit, Quiet, Want
from unit.app.test_audience import ENVIRON, faults, load

GOOD = """\
people:
  ana:
    wants: [{countries: [PER]}]
    quiet: {daily: "22:00-06:30", weekends: true, except: [critical]}
    digest: {at: ["07:30", "18:00"], days: mon-fri, when_empty: send, includes: [medium, low]}
    limit: {per_hour: 6, then: digest}
    deputy: {who: ben, from: "2026-08-01", until: "2026-08-15"}
  ben: {tlp: CLEAR, digest: {at: "18:00"}}
teams:
  desk:
    tlp: AMBER
    wants: [{}]
    on_duty: [{"mon-fri": ana}, {else: ben}]
    escalate: [{after: 30m, unacknowledged: [high, critical], to: on_duty}, {after: 2h, to: ben}]
    slack: {via: hook}
channels:
  hook: {kind: slack, url: "${env:HOOK}", tlp: GREEN}
inhibit:
  - {source: {rules: [known]}, target: {tags: [t]}, equal: [country, key.official]}
"""


def test_everything_is_read_as_it_is_meant() -> None:
    audience = load(GOOD, rules=["known"]).audience
    ana, ben, desk = audience.subscribers
    assert ana.quiet == Quiet(daily=(22 * 60, 6 * 60 + 30), weekends=True, except_levels=("critical",))
    assert ana.digest == Digest(at=(450, 1080), days=(1, 2, 3, 4, 5), when_empty=True, levels=("medium", "low"))
    assert ana.limit == Limit(per_hour=6)
    assert ana.deputy == Deputy(who="ben", start=date(2026, 8, 1), until=date(2026, 8, 15))
    assert (ana.tlp, ben.tlp, desk.tlp) == ("GREEN", "CLEAR", "AMBER")
    assert (ben.digest, ben.wants) == (Digest(at=(1080,)), ())
    assert desk.on_duty == (Duty(who="ana", days=(1, 2, 3, 4, 5)), Duty(who="ben"))
    severe = ("high", "critical")
    assert desk.escalate == (
        Escalation(after=1800, to="on_duty", levels=severe),
        Escalation(after=7200, to="ben", levels=severe),
    )
    assert [target.tlp for target in desk.targets] == ["GREEN"]
    [held] = audience.inhibitions
    assert held == Inhibition(
        source=Want(rules=("known",)), target=Want(tags=("t",)), equal=("country", "key.official")
    )
    assert (audience.tlp, audience.operator) == ("GREEN", "")


BAD = """\
people:
  ana:
    wants: [{}]
    tlp: WHITE
    quiet: {daily: 22:00, except: [hihg]}
    digest: {at: 730, days: mon-fry}
    deputy: {who: ana}
  ben: {deputy: {who: bem, from: "2026-09-01", until: "2026-08-01"}}
  carl: {wants: [{}], deputy: {who: ana, from: 1 August}, limit: {per_hour: 0}}
  dora: {}
  on_duty: {wants: [{}], on_duty: []}
teams:
  desk:
    wants: [{}]
    on_duty: [{"mon-fri": ana, else: ben}, {weekdays: ana}]
    escalate: [{after: 2h, to: on_duty}, {after: 1h, to: nobody}, {after: soon, to: ana}]
  night:
    wants: [{}]
    on_duty: [{mon-sat: ana}]
    escalate: [{after: 1h, to: on_duty}]
inhibit:
  - {source: {}, target: {rules: [knwon]}, equal: [colour]}
"""


def test_every_fault_is_told_at_its_line() -> None:
    said = [f"{fault.line} {fault.what} / {fault.cure}" for fault in faults(BAD, rules=["known"])]
    expected = (
        "4 people.ana.tlp: not one of CLEAR, GREEN, AMBER, RED",
        '5 people.ana.quiet.daily: not hours / write from and to in quotes, such as "22:00-06:30"',
        "5 people.ana.quiet.except.0: not one of informational",
        '6 people.ana.digest.at: not a time of day / write hours and minutes in quotes, such as "07:30"',
        "6 people.ana.digest.days: not days of the week / write days such as mon-fri or sat,sun",
        "7 people.ana.deputy.who: nobody is their own deputy",
        "8 people.ben.deputy.who: there is no subscriber 'bem' / did you mean 'ben'?",
        "8 people.ben.deputy.until: before the first day",
        '9 people.carl.deputy.from: not a day / write it in quotes, such as "2026-08-31"',
        "9 people.carl.limit.per_hour: input should be greater than or equal to 1",
        "9 people.carl.limit: what is beyond it has no digest to go into / add digest:",
        "10 people.dora: 'wants' is missing",
        "11 people.on_duty: this name is taken",
        "11 people.on_duty: unknown key 'on_duty'",
        "15 teams.desk.on_duty.0: not one entry of a rota",
        "15 teams.desk.on_duty.1: not days of the week",
        "16 teams.desk.escalate.1.after: not later than the step before",
        "16 teams.desk.escalate.1.to: there is no subscriber 'nobody'",
        "16 teams.desk.escalate.2.after: not a duration",
        "20 teams.night.escalate.0.to: there are days without anybody on duty / add {else: NAME} to on_duty",
        "22 inhibit.0.source: matches every alert",
        "22 inhibit.0.target.rules.0: there is no rule 'knwon' / did you mean 'known'?",
        "22 inhibit.0.equal.0: not a field that can be compared",
    )
    missing = [one for one in expected if not any(line.startswith(one) for line in said)]
    assert not missing, "\n".join(said)


def test_a_name_that_came_from_the_environment_is_not_shown() -> None:
    text = 'people:\n  ana: {wants: [{}], deputy: {who: "${env:WHO}"}}\n'
    [fault] = faults(text, environ={**ENVIRON, "WHO": "canary-7f3a"})
    assert "canary" not in str(fault)


@pytest.mark.parametrize(
    ("text", "days"),
    [("mon", (1,)), ("mon-fri", (1, 2, 3, 4, 5)), ("sat, sun", (6, 7)), ("fri-mon", (1, 5, 6, 7)), ("Sun-Sun", (7,))],
)
def test_days(text: str, days: tuple[int, ...]) -> None:
    assert days_of(text) == days


@given(st.text(max_size=12))
def test_any_text_is_days_and_a_time_or_refused(text: str) -> None:
    for read in (days_of, minutes_of):
        with suppress(Invalid):
            assert read(text) is not None
