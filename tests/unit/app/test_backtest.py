"""A backtest in memory: it says what each set would have led to had it really run, and nothing else."""

import functools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import made_up_life as made
from almenara.adapters.memory import MemoryStore
from almenara.app.backtest import active_content, backtest, clock_of, fold
from almenara.app.embedded import Embedded
from almenara.audit.compare import Found, Moved, Range
from almenara.domain.errors import Faulty, Missing
from almenara.engine.ruleset import Content
from almenara.ports.log import ALERTS, EVENTS
from almenara.ports.wire import decode_event
from almenara.rules.service import RulesProcessor
from backtesting import alerts_of, candidate, changed, messages, messages_of, raised, really_run, source
from case_run import AUDIENCE, PARTITIONS, START, case_entries, changes, shipped, stream

ENTRIES = case_entries(PARTITIONS, 24)
ALWAYS = Range()
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@functools.cache
def recorded() -> MemoryStore:
    """The record of both cases, with the shipped rules active."""
    return really_run(shipped().content, ENTRIES)


def test_the_candidate_says_what_it_would_have_said_had_it_really_run() -> None:
    report = backtest(source(recorded()), shipped().content, candidate(), ALWAYS)
    before, after = recorded(), really_run(candidate(), ENTRIES)
    gained, lost = raised(after) - raised(before), raised(before) - raised(after)
    assert len(gained) >= 2
    assert len(lost) >= 1
    assert alerts_of(report.compared, Found.GAINED) == gained
    assert alerts_of(report.compared, Found.LOST) == lost
    assert messages_of(report.compared, Moved.MORE, Moved.MOVED) == messages(after) - messages(before)
    assert messages_of(report.compared, Moved.LESS) == messages(before) - messages(after)
    assert report.compared.messages_seen == (len(messages(before)), len(messages(after)))
    assert report.newly_failed == ()


def test_the_active_set_leads_to_what_is_recorded() -> None:
    [side] = fold(source(recorded()), [active_content(recorded())]).sides
    assert list(side.changes) == changes(recorded())
    assert len(side.told) == len(messages(recorded())) > 50


def test_only_the_asked_range_is_compared() -> None:
    whole = backtest(source(recorded()), shipped().content, candidate(), ALWAYS).compared
    times = sorted(one.alert.raised_at for one in whole.alerts if one.found == Found.GAINED)
    middle = times[len(times) // 2]
    early = backtest(source(recorded()), shipped().content, candidate(), Range(None, middle)).compared
    late = backtest(source(recorded()), shipped().content, candidate(), Range(middle, None)).compared
    assert alerts_of(early, Found.GAINED) | alerts_of(late, Found.GAINED) == alerts_of(whole, Found.GAINED)
    assert all(one.alert.raised_at < middle for one in early.alerts if one.found == Found.GAINED)
    assert all(one.told.decided >= middle for one in late.messages)
    assert early.alerts
    assert late.alerts


def test_activations_in_the_record_change_nothing() -> None:
    store = MemoryStore(PARTITIONS)
    made.activate(store, made.checked(), hour=0)
    half = len(ENTRIES) // 2
    store.append(list(ENTRIES[:half]))
    made.activate(store, made.checked(level="high"), hour=1)
    store.append(list(ENTRIES[half:]))
    report = backtest(source(store), shipped().content, candidate(), ALWAYS, audience=AUDIENCE)
    plain = backtest(source(recorded()), shipped().content, candidate(), ALWAYS)
    # positions differ by the activations; what was raised and told does not
    assert [(a.found, a.alert.uid) for a in report.compared.alerts] == [
        (a.found, a.alert.uid) for a in plain.compared.alerts
    ]
    assert report.compared.messages == plain.compared.messages


def test_the_configured_audience_is_only_for_a_record_without_one() -> None:
    nobody = AUDIENCE.__class__()
    report = backtest(source(recorded()), shipped().content, candidate(), ALWAYS, audience=nobody)
    assert report.compared.messages


def test_a_changed_level_and_deadline_are_changes_with_what_differs() -> None:
    other = changed(
        shipped().content, "rules/meetings.yml", ("status: stable\nlevel: high", "status: stable\nlevel: critical"),
        ("grace: 6h", "grace: 30h"),
    )  # fmt: skip
    compared = backtest(source(recorded()), shipped().content, other, ALWAYS).compared
    assert {one.found for one in compared.alerts} == {Found.CHANGED}
    for one in compared.alerts:
        differing = {d.field: (d.before, d.after) for d in one.differing}
        assert differing["raised_at"][1] > differing["raised_at"][0]
    assert ("high", "critical") in [(d.before, d.after) for one in compared.alerts for d in one.differing]
    moved = [one for one in compared.messages if one.moved == Moved.MOVED]
    assert moved
    assert all(one.before is not None and one.told.at > one.before for one in moved)


def test_a_rule_in_shadow_tells_nobody() -> None:
    shadow = changed(
        shipped().content, "rules/meetings.yml", ("status: stable\nlevel: high", "status: experimental\nlevel: high")
    )
    compared = backtest(source(recorded()), shipped().content, shadow, ALWAYS).compared
    assert {d.field for one in compared.alerts for d in one.differing} == {"shadow"}
    assert {one.moved for one in compared.messages} == {Moved.LESS}


def test_bad_rules_are_told_before_anything_is_folded() -> None:
    bad = Content({"rules/a.yml": "title: A\nname: a\n", "rules/b.yml": "title: ["})
    with pytest.raises(Faulty) as told:
        backtest(source(recorded()), shipped().content, bad, ALWAYS, watch=lambda *_: pytest.fail("folded"))
    assert {fault.file for fault in told.value.faults} == {"rules/a.yml", "rules/b.yml"}


def test_the_progress_comes_to_the_whole() -> None:
    told: list[tuple[int, int]] = []
    backtest(source(recorded()), shipped().content, shipped().content, ALWAYS, watch=lambda *both: told.append(both))
    whole = 2 * sum(recorded().end(EVENTS, partition) for partition in range(PARTITIONS))
    assert {of for _, of in told} == {whole}
    assert sum(more for more, _ in told) == whole


def test_the_clock_of_a_record_is_that_of_its_ticks() -> None:
    store = MemoryStore(PARTITIONS)
    assert clock_of(store) is None
    with pytest.raises(Missing):
        active_content(store)
    assert clock_of(recorded()) == Range(START, max(decode_event(body).time for body in ticks()))


def ticks() -> list[bytes]:
    return [record.body for record in stream(recorded(), EVENTS) if record.id.startswith("tick/")]


@FEW
@given(seed=st.integers(0, 2**32), count=st.integers(1, 120), level=st.sampled_from(["low", "high"]))
def test_a_set_against_itself_differs_in_nothing_and_is_what_was_recorded(seed: int, count: int, level: str) -> None:
    store, rules = MemoryStore(1), made.checked(level=level)
    made.activate(store, rules)
    made.log(store, *made.life(random.Random(seed), count))
    Embedded(store, [RulesProcessor(store)]).pump()
    report = backtest(source(store), rules.content, rules.content, ALWAYS, audience=AUDIENCE)
    assert (report.compared.alerts, report.compared.messages, report.newly_failed) == ((), (), ())
    [side] = fold(source(store), [rules.content]).sides
    assert list(side.changes) == made.changes(store)


def test_a_record_on_which_only_the_candidate_fails_is_named() -> None:
    store = MemoryStore(1)
    # a moment that has no day in its country, which only the candidate asks for
    far = made.meeting("far", 1)
    made.activate(store, made.checked())
    beyond = made.corrected(far, 2)
    content = {"type": far.type, "time": made.BEYOND[1], "data": dict(far.data)}
    made.log(store, far, made.event(beyond.type, beyond.id, 2, of=far.id, event=content), made.tick(40))
    few = Content({"rules/r.yml": "title: S\nname: s\nlogsource: {product: almenara, category: statement.made}\n"
                                  "detection: {any: {'k|exists': true}, condition: any}\n"})  # fmt: skip
    report = backtest(source(store), few, made.checked().content, ALWAYS)
    assert report.newly_failed == ("events/0/3",)
    assert store.end(ALERTS, 0) == 0
