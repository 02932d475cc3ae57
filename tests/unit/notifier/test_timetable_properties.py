"""Whatever happens to alerts, people and hours: filters hold, nothing is told twice, every decision comes to something,
everyone hears the end of what they heard, and nothing depends on batches or restarts.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from almenara.audit.explain import all_notices
from almenara.domain.alert import Reason
from almenara.domain.audience import Deputy, Digest, Duty, Escalation, Inhibition, Limit, Quiet, Subscriber, Want
from almenara.domain.notice import Decision, DeliveryState, DigestNotice, Notice, OperatorNotice, Told
from almenara.ports.log import DELIVERIES, NOTICES, read_range
from almenara.ports.wire import decode_delivery, decode_send
from timetable import DESK, MAIL, Timetable, person

NAMES = ("a", "b", "c", "d")
PEOPLE = ("ana", "ben", "carl", "desk")
LEVELS = ("low", "medium", "high", "critical")

minutes = st.integers(0, 1439)
wants = st.sampled_from([(Want(),), (Want(),), (Want(levels=("high",)), Want(levels=("critical",))), ()])
quiets = st.none() | st.builds(
    Quiet,
    daily=st.none() | st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1]) | st.just((600, 540)),
    weekends=st.booleans(),
    except_levels=st.sampled_from([(), ("critical",)]),
)
digests = st.none() | st.builds(
    Digest, at=st.tuples(minutes), when_empty=st.booleans(), levels=st.sampled_from([(), ("low", "medium"), LEVELS])
)
limits = st.none() | st.builds(Limit, per_hour=st.integers(1, 3))


@st.composite
def audiences(draw: st.DrawFn) -> list[Subscriber]:
    """Some of four subscribers, one of them a team, with any hours."""
    found = []
    for name in draw(st.lists(st.sampled_from(PEOPLE), unique=True, min_size=2, max_size=4)):
        deputy = draw(st.sampled_from(PEOPLE))
        more: dict[str, Any] = {}
        if name == "desk":
            more = {"team": True, "on_duty": (Duty(who="ana"),), "escalate": (Escalation(after=1800, to="on_duty"),)}
        found.append(
            person(
                name,
                wants=draw(wants),
                targets=draw(st.sampled_from([(MAIL,), (MAIL,), (MAIL, DESK), ()])),
                time_zone=draw(st.sampled_from(["America/Lima", "Europe/Madrid", "Asia/Kathmandu"])),
                quiet=draw(quiets),
                digest=draw(digests),
                limit=draw(limits),
                tlp=draw(st.sampled_from(["GREEN", "RED"])),
                deputy=Deputy(who=deputy) if deputy != name and draw(st.integers(0, 4)) == 0 else None,
                **more,
            )
        )
    return found


@dataclass(frozen=True)
class Step:
    """Something that happens, and how many minutes later."""

    after: int
    what: str
    name: str
    level: str
    people: list[Subscriber]
    silent: int


steps = st.lists(
    st.builds(
        Step,
        after=st.sampled_from([0, 0, 1, 7, 30, 200, 900, 4000]),
        what=st.sampled_from(
            ["raised"] * 4
            + ["repeat", "updated", "resolved", "retracted", "acknowledged", "assigned"]
            + ["silence", "ended", "people", "unsubscribed", "resubscribed"]
        ),
        name=st.sampled_from(NAMES),
        level=st.sampled_from(LEVELS),
        people=audiences(),
        silent=st.integers(1, 600),
    ),
    min_size=3,
    max_size=25,
)


def lived(people: list[Subscriber], story: list[Step], *, batch: int = 500, restarts: bool = False) -> Timetable:
    """The timetable of a story, two weeks on from its end; with `restarts` the services start anew at every step."""
    inhibition = Inhibition(source=Want(levels=("critical",)), target=Want(levels=("low",)))
    table = Timetable(*people, inhibitions=[inhibition])
    table.batch, table.step = batch, timedelta(minutes=30)
    for number, step in enumerate(story):
        table.until(f"{(table.clock + timedelta(minutes=step.after)).astimezone(table.zone):%Y-%m-%d %H:%M}")
        _happens(table, step, number)
        if restarts:
            table.messages()
    end = table.clock + timedelta(days=15)
    table.step = timedelta(hours=6)
    return table.until(f"{end.astimezone(table.zone):%Y-%m-%d %H:%M}")


def _happens(table: Timetable, step: Step, number: int) -> None:
    there = table.alerts.get(step.name)
    if step.what == "raised" and there is None:
        table.raised(step.name, level=step.level, tlp="AMBER" if number % 5 == 0 else "CLEAR")
    elif step.what == "silence":
        end = table.clock + timedelta(minutes=step.silent)
        matcher = {"levels": [step.level]}
        table.silence(f"s{number}", f"{end.astimezone(table.zone):%Y-%m-%d %H:%M}", by=PEOPLE[0], matcher=matcher)
    elif step.what == "ended":
        table.silence_ended(f"s{number - 1}")
    elif step.what == "people":
        table.people(*step.people)
    elif step.what == "unsubscribed":
        table.unsubscribed(PEOPLE[number % 4])
    elif step.what == "resubscribed":
        table.resubscribed(PEOPLE[number % 4])
    elif there is not None:
        _changes(table, step)


def _changes(table: Timetable, step: Step) -> None:
    state = str(table.alerts[step.name].state)
    closed = state in ("resolved", "retracted")
    if step.what in ("repeat", "updated"):
        reason = Reason.MORE_EVENTS if step.what == "repeat" else Reason.SOURCE_CORRECTED
        table.updated(step.name, reason, level=step.level)
    elif closed:
        return
    elif step.what == "acknowledged" and state == "open":
        table.acknowledged(step.name)
    elif step.what == "assigned":
        table.assigned(step.name, PEOPLE[len(step.level) % 4])
    elif step.what in ("resolved", "retracted"):
        getattr(table, step.what)(step.name)


def said(table: Timetable) -> list[Notice]:
    """Every notice that some message tells, those of digests too."""
    found: list[Notice] = []
    for item in table.items():
        if isinstance(item, DigestNotice):
            assert not item.more
            found += item.notices
        elif isinstance(item, Notice):
            found.append(item)
    return found


lives = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@lives
@given(audiences(), steps)
def test_nobody_gets_what_nobody_asked_for_them_to_get(people: list[Subscriber], story: list[Step]) -> None:
    table = lived(people, story)
    for notice in said(table):
        alert = notice.changed.alert
        asked = notice.filter_index >= 0 or notice.on_behalf or notice.why in (Told.ESCALATED, Told.ASSIGNED)
        heard = notice.thread != notice.delivery or notice.why == Told.FOLLOWS
        assert asked or heard, (notice.subscriber, alert.uid, notice.why)
    filtered = {(one.subscriber, one.changed.id) for one in all_notices(table) if one.reason == "filtered"}
    on_their_own = {(n.subscriber, n.changed.id) for n in said(table) if n.why == Told.WANTED and not n.on_behalf}
    assert not filtered & on_their_own


@lives
@given(audiences(), steps)
def test_nothing_is_told_twice_and_nothing_is_lost(people: list[Subscriber], story: list[Step]) -> None:
    table = lived(people, story)
    items = table.items()
    assert len({send.id for send in table.sent}) == len(table.sent)
    inside = Counter(one.delivery for item in items if isinstance(item, DigestNotice) for one in item.notices)
    alone = Counter(item.delivery for item in items if not isinstance(item, DigestNotice))
    assert not [one for one, count in (inside + alone).items() if count > 1]
    steps_ = [decode_delivery(record.body) for record in read_range(table, DELIVERIES, 0)]
    over = {one.delivery for one in steps_ if one.state in (DeliveryState.JOINED, DeliveryState.DROPPED)}
    receipts = {one.receipt for one in steps_ if one.state == DeliveryState.JOINED}
    assert receipts <= {send.id for send in table.sent}
    waiting = {one.delivery for one in steps_ if one.state == DeliveryState.HELD}
    for notice in all_notices(table):
        if notice.decision == Decision.PLANNED:
            # whoever has no digest any more has nothing waiting for one: two weeks on all has come to an end
            assert notice.delivery in alone or notice.delivery in over, (notice.subscriber, notice.delivery in waiting)
        else:
            assert notice.reason is not None


@lives
@given(audiences(), steps)
def test_whoever_was_told_hears_how_it_ends(people: list[Subscriber], story: list[Step]) -> None:
    table = lived(people, story)
    heard: dict[tuple[str, str, str], str] = {}
    for notice in said(table):
        heard[notice.subscriber, notice.via, notice.changed.alert.uid] = str(notice.changed.change)
    unheard = {
        (one.subscriber, one.via, one.changed.alert.uid)
        for one in all_notices(table)
        if one.reason in ("left", "unsubscribed")
    }
    dropped = {one.split()[-3] for one in table.steps() if one.startswith("dropped left")}
    for (who, via, uid), last in heard.items():
        over = table.alerts[uid].state in ("resolved", "retracted")
        if over and (who, via, uid) not in unheard and who not in dropped:
            assert last in ("resolved", "retracted"), (who, via, uid, last)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(audiences(), steps, st.integers(1, 40))
def test_no_batch_and_no_restart_changes_a_byte(people: list[Subscriber], story: list[Step], batch: int) -> None:
    def told(table: Timetable) -> tuple[list[Any], list[Any]]:
        table.messages()
        records = [(r.id, r.body) for name in (NOTICES, DELIVERIES) for r in read_range(table, name, 0)]
        return records, [(send.id, send.rank, send.due, send.body) for send in table.sent]

    assert told(lived(people, story)) == told(lived(people, story, batch=batch, restarts=True))


def test_the_author_of_a_silence_is_no_decision() -> None:
    table = Timetable(person("ana")).silence("s", "2026-03-03 12:00", by="ana").until("2026-03-03 13:00")
    assert [type(decode_send(send.body)) for send in (table.messages(), table.sent)[1]] == [OperatorNotice]
    assert replace(table.items()[0]).subscriber == "ana"
