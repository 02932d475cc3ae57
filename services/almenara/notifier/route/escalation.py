"""What the route does when the clock moves: silences that end, their authors' warnings, and steps of escalation. Pure.

Whatever fell due while the clock leapt is done in the order in which it fell due, each at its own time: so a leap
leads to the same decisions as ticks by the minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Final

from almenara.domain.alert import AlertChanged, State
from almenara.domain.audience import ON_DUTY, Escalation, Subscriber
from almenara.domain.ids import content_id
from almenara.domain.notice import Notice, OperatorNotice, Told, place_of
from almenara.domain.silence import Silence
from almenara.notifier import hours
from almenara.notifier.route.deciding import release, tell
from almenara.notifier.route.matching import silences
from almenara.notifier.route.stages import deputy_of
from almenara.notifier.route.state import Escalating, RouteState, Standing
from almenara.notifier.words.vocabulary import zone_of

WARN_BEFORE: Final = timedelta(hours=1)
"""How long before its end a silence is told to its author; one that is shorter than twice this is not."""

Decided = Notice | OperatorNotice


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """Something that falls due: a silence's end or warning (its id), or a step of a team for an alert."""

    at: datetime
    kind: int
    silence: str = ""
    alert: str = ""
    team: str = ""


_ENDS, _WARNS, _ESCALATES = range(3)


def advance(state: RouteState, to: datetime) -> Iterator[Decided]:
    """Moves the clock, never backwards, and does what falls due on the way."""
    waiting = _until(state, to)
    while waiting:
        due = heappop(waiting)
        state.clock = max(state.clock, due.at)
        if due.kind == _ENDS:
            del state.silences[due.silence]
            state.warned.pop(due.silence, None)
            yield from release(state, state.clock)
            waiting = _until(state, to)  # of what is told now, steps begin
        elif due.kind == _WARNS:
            state.warned[due.silence] = None
            yield from _warning(state, state.silences[due.silence])
        else:
            standing = state.standing[due.alert]
            yield from _step(state, standing, due.team)
            for after in _steps(state, due.alert, standing, due.team):
                if after.at <= to:
                    heappush(waiting, after)
    state.clock = max(state.clock, to)


def _until(state: RouteState, to: datetime) -> list[_Due]:
    """What falls due until then, as a heap."""
    found = [due for due in _dues(state) if due.at <= to]
    heapify(found)
    return found


def _dues(state: RouteState) -> Iterator[_Due]:
    for silence in state.silences.values():
        yield _Due(max(silence.until, state.clock), _ENDS, silence=silence.id)
        if silence.id not in state.warned and silence.until - silence.start >= 2 * WARN_BEFORE:
            yield _Due(max(silence.until - WARN_BEFORE, state.clock), _WARNS, silence=silence.id)
    for uid, standing in state.standing.items():
        for name in standing.escalating:
            yield from _steps(state, uid, standing, name)


def _steps(state: RouteState, uid: str, standing: Standing, name: str) -> Iterator[_Due]:
    at = _step_due(state, standing.news, name, standing.escalating[name])
    if at is not None:
        yield _Due(max(at, state.clock), _ESCALATES, alert=uid, team=name)


def _step_due(state: RouteState, news: AlertChanged, name: str, escalating: Escalating) -> datetime | None:
    """When the team's next step falls due; None when there is none, or when somebody has taken the alert in hand."""
    alert, step = news.alert, _next_step(state, name, escalating)
    if step is None or alert.state != State.OPEN or alert.judgement:
        return None
    due = escalating.start + timedelta(seconds=step.after)
    held = [one.until for one in state.silences.values() if silences(one, alert, max(due, state.clock))]
    return max([due, *held])


def _next_step(state: RouteState, name: str, escalating: Escalating) -> Escalation | None:
    team = state.who(name)
    steps = team.escalate if team else ()
    return next((step for step in steps if step.after > escalating.taken), None)


def _step(state: RouteState, standing: Standing, name: str) -> Iterator[Notice]:
    """One step of one team: whoever it names is told, by all their ways, whether or not they were told before."""
    escalating, team = standing.escalating[name], state.who(name)
    step = _next_step(state, name, escalating)
    if step is None or team is None:
        return
    escalating.taken = step.after
    if step.levels and standing.news.alert.level not in step.levels:
        return
    called = _called(state, team, step)
    if called is None:
        return
    who = deputy_of(state, called, state.clock) or called
    told = state.told.setdefault(standing.news.alert.uid, {})
    for notice in tell(state, standing.news, who, state.clock, why=Told.ESCALATED, ref=name):
        if notice.delivery:
            told.setdefault(place_of(who.id, notice.via), notice.delivery)
            standing.held.pop(place_of(who.id, notice.via), None)
        yield notice


def _called(state: RouteState, team: Subscriber, step: Escalation) -> Subscriber | None:
    name = hours.on_duty(team.on_duty, zone_of(team.time_zone), state.clock) if step.to == ON_DUTY else step.to
    return state.who(name)


def _warning(state: RouteState, silence: Silence) -> Iterator[OperatorNotice]:
    """The author, or else the operator, is told that a silence ends; every partition says the same, so once."""
    who = next(
        (one for name in (silence.by, state.audience.operator) if (one := state.who(name)) and one.targets), None
    )
    for target in who.targets[:1] if who else ():
        yield OperatorNotice(
            about="silence",
            delivery=content_id("silence", silence.id, silence.until, who.id if who else ""),
            subscriber=who.id if who else "",
            via=target.via,
            address_hash=target.address_hash,
            language=who.language if who else "en",
            destination=silence.until.isoformat(),
            to="",
            cause=silence.reason,
            at=silence.until - WARN_BEFORE,
            refused=silence.id,
        )
