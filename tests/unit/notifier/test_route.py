"""Route: who is told, who is not and why, and that whoever was told hears the end of it."""

from dataclasses import replace

import pytest

from almenara.adapters.memory import MemoryStore
from almenara.app.activation import activate_audience
from almenara.app.commands import append_command
from almenara.app.embedded import Embedded
from almenara.audit.explain import all_notices
from almenara.domain.audience import Audience, Subscriber, Target, Want
from almenara.domain.event import RETRACT, Event
from almenara.domain.notice import Notice
from almenara.notifier.route import RouteProcessor
from almenara.rules.service import RulesProcessor
from made_up_life import T0, H, activate, changes, checked, entry, event, log, meeting, reading, tick, withdrawn

MAIL = Target(kind="mail", via="mail", address_hash="00")
SLACK = Target(kind="slack", via="desk", address_hash="01")
ANA = Subscriber(id="ana", wants=(Want(),), targets=(MAIL,))


def routed(
    *events: Event, who: Subscriber = ANA, later: Subscriber | None = None, then: tuple[Event, ...] = ()
) -> MemoryStore:
    """A store in which the events were routed; `later` is the audience from there on, and `then` what follows."""
    store = MemoryStore(1)
    activate(store, checked())
    activate_audience(store, Audience(subscribers=(who,)), T0 - H, by="t", reason="t")
    log(store, *events)
    pump(store)
    if later is not None:
        activate_audience(store, Audience(subscribers=(later,)), T0 + H, by="t", reason="t")
    log(store, *then)
    pump(store)
    return store


def pump(store: MemoryStore) -> None:
    # A new set of workers each time: what was told is known after a restart.
    Embedded(store, [RulesProcessor(store), RouteProcessor(store)], snapshot_every=1).pump()


def notices(store: MemoryStore) -> list[Notice]:
    return list(all_notices(store))


def told(store: MemoryStore) -> list[tuple[str, str, str]]:
    return [(n.via, str(n.changed.change), str(n.reason or n.decision)) for n in notices(store)]


STATEMENT = event("statement.made", "s", 0, k="x", countries={"actor": ["CHN"], "target": ["USA"]})


@pytest.mark.parametrize("country", ["PER", "CHN", "USA"])
def test_a_country_matches_in_any_role(country: str) -> None:
    who = replace(ANA, wants=(Want(countries=(country,)),))
    assert told(routed(STATEMENT, who=who)) == [("mail", "raised", "planned")]


def test_whoever_was_told_hears_the_end_though_their_filter_changed() -> None:
    store = routed(STATEMENT, later=replace(ANA, wants=(Want(levels=("critical",)),)), then=(withdrawn("s", 2),))
    assert told(store) == [("mail", "raised", "planned"), ("mail", "retracted", "planned")]
    first, last = notices(store)
    assert (first.thread, last.thread) == (first.delivery, first.delivery)


def test_whoever_was_never_told_hears_no_end() -> None:
    store = routed(
        STATEMENT, who=replace(ANA, wants=(Want(levels=("critical",)),)), later=ANA, then=(withdrawn("s", 2),)
    )
    assert told(store) == [("mail", "raised", "filtered"), ("mail", "retracted", "never_told")]


def test_a_new_way_does_not_begin_with_the_end() -> None:
    store = routed(STATEMENT, later=replace(ANA, targets=(MAIL, SLACK)), then=(withdrawn("s", 2),))
    assert told(store)[1:] == [("mail", "retracted", "planned"), ("desk", "retracted", "never_told")]


def test_an_alert_that_becomes_full_reaches_those_whose_level_it_has_then() -> None:
    who = replace(ANA, wants=(Want(levels=("high",)),))
    store = routed(meeting("a", 0), tick(30), reading("r", 40, 41), entry("b", 1, known=42), who=who)
    assert told(store) == [
        ("mail", "raised", "filtered"),
        ("mail", "updated", "planned"),
        ("mail", "resolved", "planned"),
    ]


def test_backfill_notifies_nobody_until_something_new_comes() -> None:
    old = [event("office.changed", f"s{n}", n, k="x", flags=["backfill"]) for n in range(3)]
    fresh = event("office.changed", "s3", 3, k="x")
    assert told(routed(*old, fresh)) == [("mail", "raised", "backfill"), ("mail", "updated", "planned")]


def test_a_command_is_told_to_whoever_was_told() -> None:
    store = routed(STATEMENT)
    append_command(store, RETRACT, changes(store)[0].alert, {"by": "t"}, T0 + 5 * H)
    pump(store)
    assert told(store)[-1] == ("mail", "retracted", "planned")


def test_without_a_way_it_is_said_so() -> None:
    assert told(routed(STATEMENT, who=replace(ANA, targets=()))) == [("", "raised", "no_channel")]
