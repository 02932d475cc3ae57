"""How a new ruleset takes over: what did not change goes on, what changed starts as if it had always run.

For what changed the last part of the log is folded again, as far back as it can matter to these rules; its detections
are dropped. Nothing in flight is lost, and what was told before stays as it was told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from almenara.domain.errors import Rejected
from almenara.domain.event import ACTIVATIONS, COMMANDS, TICK, Event
from almenara.engine.ahead import TOLERATED, Ahead, first_after
from almenara.engine.engine import Engine, EngineState
from almenara.engine.rule import NO_TIME, AbsenceRule, AnyRule, Correlation
from almenara.engine.ruleset import Ruleset
from almenara.ports.log import Record
from almenara.ports.processor import History
from almenara.ports.wire import decode_event

PAGE: Final = 1_000
JOINED_WITHIN: Final = timedelta(days=400)
"""How long after a happening a further report of it is still expected, where reports are joined."""
_BEFORE: Final = timedelta(microseconds=1)
_NOT_FOR_RULES: Final = (*ACTIVATIONS, *COMMANDS)


def take_over(
    ruleset: Ruleset,
    running: Engine | None,
    history: History,
    upto: int,
    *,
    since: Mapping[str, datetime] | None = None,
) -> Engine:
    """The engine of the new ruleset as it stands after the record `upto`; `running` is the one it takes over from.

    `since` says of rules with open alerts when the earliest event of one happened: an alert may last longer than any
    window, and goes on under its name only if it is found again from its first event on.
    """
    if running is None:
        return _folded(ruleset, history, 0, upto)
    state = running.state
    changed = [rule for rule in ruleset.rules if not state.remembers(rule)]
    if changed:
        part = ruleset.only(rule.name for rule in changed)
        lasting = [since[r.name] for r in part.rules if since and r.name in since and not isinstance(r, AbsenceRule)]
        after = _start(history, part, min([running.clock, *lasting]), upto, ahead=state.ahead)
        # Without readings from before: whatever proves a window that still matters was read after it closed.
        state = state.joined(_folded(part, history, after, upto).state, changed)
    return Engine(ruleset, state, apart=True)


def _folded(ruleset: Ruleset, history: History, after: int, upto: int) -> Engine:
    """The engine after these records. One on which it fails leaves no trace, as it left none when it was first met."""
    failing: set[str] = set()
    while True:
        engine, known = Engine(ruleset, EngineState(), apart=True), len(failing)
        for event in _between(history, after, upto):
            if event.position in failing:
                continue
            try:
                engine.apply(event)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                failing.add(event.position)
                break
        if len(failing) == known:
            return engine


def _between(history: History, after: int, upto: int) -> Iterator[Event]:
    while after < upto:
        records = history(after, min(upto, after + PAGE))
        if not records:
            return
        yield from _events(records)
        after = records[-1].sequence


def _start(history: History, ruleset: Ruleset, clock: datetime, upto: int, *, ahead: list[Ahead]) -> int:
    """The sequence behind which everything lies that can still matter to the rules, as seen from this moment."""
    needed = [_horizon(rule, ruleset.allowed_lateness) for rule in ruleset.rules]
    known = [horizon for horizon in needed if horizon is not None]
    if len(known) < len(needed):
        return 0
    farthest = max(known)
    if not farthest:
        return upto
    try:
        matters = clock - farthest
        moment = matters - TOLERATED
    except OverflowError:  # farther back than there are dates
        return 0
    dated_ahead = first_after(ahead, matters)
    return _clock_at(history, moment if dated_ahead is None else min(moment, dated_ahead - _BEFORE), upto)


def _horizon(rule: AnyRule, lateness: timedelta | None) -> timedelta | None:
    """How far back by the clock the rule must look; None: as far as the log goes."""
    own: timedelta | None = NO_TIME
    if isinstance(rule, Correlation):
        own = None if rule.horizon is None or lateness is None else rule.horizon + lateness
    return None if own is None else max(own, rule.one_per.within + JOINED_WITHIN if rule.one_per else NO_TIME)


def _clock_at(history: History, moment: datetime, upto: int) -> int:
    """A tick that is not later than the moment, near the last one; 0 when there is none. Ticks only ever grow."""
    low, high = 0, upto
    while high - low > PAGE:
        middle = (low + high) // 2
        tick = _next_tick(history, middle, high)
        if tick is not None and tick[1] <= moment:
            low = tick[0]
        else:
            high = middle
    return low


def _next_tick(history: History, after: int, upto: int) -> tuple[int, datetime] | None:
    while after < upto:
        records = history(after, min(upto, after + PAGE))
        if not records:
            return None
        for record in records:
            for event in _events([record]):
                if event.type == TICK:
                    return record.sequence, event.time
        after = records[-1].sequence
    return None


def _events(records: Sequence[Record]) -> Iterator[Event]:
    """What the rules see of the records: those that can be read, without activations and commands."""
    for record in records:
        try:
            event = decode_event(record.body, record.position)
        except Rejected:
            continue
        if event.type not in _NOT_FOR_RULES:
            yield event
