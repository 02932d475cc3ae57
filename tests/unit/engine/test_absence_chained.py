"""Absences over what other correlations said: a burst without an answer, and an absence that was not followed up."""

from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.engine import Engine, dump, load
from almenara.engine.ruleset import Content, build
from made_up_life import corrected, event, tick, withdrawn

BURST = """
title: A shock
name: shock
logsource: {product: almenara, category: office.changed}
detection: {any: {'k|exists': true}, condition: any}
---
title: Two shocks
name: burst
correlation: {type: event_count, rules: [shock], group-by: [k], timespan: 24h, condition: {gte: 2}}
---
title: An answer
name: answer
logsource: {product: almenara, category: statement.made}
detection: {any: {'k|exists': true}, condition: any}
---
title: Two shocks and no answer
name: silence
correlation: {type: temporal, rules: [burst, answer], group-by: [k], timespan: 12h, condition: burst and not answer}
almenara: {absence: {anchor: burst, grace: 1h}}
---
title: Nobody spoke, and nobody met
name: deaf
correlation:
  type: temporal
  rules: [silence, meeting]
  group-by: [k]
  timespan: 48h
  condition: silence and not meeting
  generate: true
almenara: {absence: {anchor: silence}}
---
title: A meeting
name: meeting
logsource: {product: almenara, category: meeting.held}
detection: {any: {'k|exists': true}, condition: any}
"""


def engine() -> Engine:
    return Engine(build(Content({"rules/r.yml": BURST})))


def shock(uid: str, at: int) -> Event:
    return event("office.changed", uid, at, k="x")


def run(engine: Engine, *events: Event) -> list[Detection]:
    return [d for one in events for d in engine.apply(one).detections]


def brief(found: list[Detection]) -> list[tuple[str, str, list[str]]]:
    return [(d.rule, str(d.what), [event.id for event in d.events]) for d in found if d.rule in ("silence", "deaf")]


BOTH = [shock("s1", 0), shock("s2", 10)]


def test_a_burst_without_an_answer_shows_the_events_behind_it() -> None:
    found = engine()
    assert brief(run(found, *BOTH, tick(22))) == []
    again = Engine(found.ruleset, load(dump(found.state)))
    for one in (found, again):
        assert brief(run(one, tick(23))) == [("silence", "raised", ["s1", "s2"])]  # 12 h and its grace after s2


def test_an_answer_around_the_burst_keeps_it_quiet() -> None:
    assert brief(run(engine(), *BOTH, event("statement.made", "t", 22, k="x"), tick(500))) == []


def test_a_burst_that_falls_takes_what_was_said_of_it_with_it() -> None:
    found = engine()
    run(found, *BOTH, tick(23))
    assert brief(run(found, withdrawn("s1", 24))) == [("silence", "retracted", ["s1", "s2"])]


def test_a_shock_that_is_corrected_is_told_anew() -> None:
    found = engine()
    run(found, *BOTH, tick(23))
    (said,) = [d for d in run(found, corrected(BOTH[0], 24, place="Lima")) if d.rule == "silence"]
    assert (said.what, said.reason) == ("updated", "source_corrected")
    assert {event.id: event.data.get("place") for event in said.events} == {"s1": "Lima", "s2": None}


def test_an_absence_over_an_absence_has_a_deadline_of_its_own() -> None:
    found = engine()
    assert brief(run(found, *BOTH, tick(57))) == [("silence", "raised", ["s1", "s2"])]
    assert brief(run(found, tick(58))) == [("deaf", "raised", ["s1", "s2"])]
    late = event("statement.made", "t", 12, known=59, k="x")
    assert brief(run(found, late)) == [("silence", "resolved", ["s1", "s2"])]


def test_a_leap_of_the_clock_reaches_both() -> None:
    assert brief(run(engine(), *BOTH, tick(500))) == [
        ("silence", "raised", ["s1", "s2"]),
        ("deaf", "raised", ["s1", "s2"]),
    ]
