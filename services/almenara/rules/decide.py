"""The life of an alert: `decide` turns a detection or a command into a change, the changed alert is in it. Pure.

A detection that says nothing new about an alert decides nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

from almenara.domain.alert import Alert, AlertChanged, Change, Evidence, Matched, Reason, Search, State, lower
from almenara.domain.event import ACKNOWLEDGE, ASSIGN, JUDGE, RETRACT, Event
from almenara.domain.ids import cite, content_id
from almenara.engine.detection import Detection
from almenara.engine.detectors.absence import evidence
from almenara.engine.detectors.packed import SMALL, PackedEvents, unpack
from almenara.engine.engine import SEMANTICS
from almenara.engine.rule import AbsenceRule, AnyRule, Correlation, Rule, goes_on
from almenara.engine.ruleset import Ruleset
from almenara.rules.sentence import sentences

MAX_EVIDENCE: Final = 50
JUDGEMENTS: Final = ("true", "false", "unclear")
_CLOSED: Final = (State.RESOLVED, State.RETRACTED)
_T = TypeVar("_T")


class _Held(NamedTuple):
    """One event that an alert stands on: what is shown of it, whom it names by id, its countries by role."""

    shown: Evidence
    ids: frozenset[str]
    countries: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """The record that led to a change: its id and where it stands."""

    id: str
    position: str
    country: str


def alert_uid(rule: str, country: str, detection: Detection) -> str:
    """The id of the alert that a detection speaks of: rule, country, key and slot."""
    return content_id("alert", rule, country, dict(detection.key), detection.slot)


def decide(
    detection: Detection,
    alert: Alert | None,
    ruleset: Ruleset,
    cause: Cause,
    *,
    ruleset_hash: str = "",
    uid: str = "",
) -> AlertChanged | None:
    """What the detection changes. None when there is no alert to close, or it is closed already.

    `uid` is the id of the alert, for those who know it already.
    """
    rule = ruleset.by_name[detection.rule]
    if detection.what in (Change.RETRACTED, Change.RESOLVED):
        if alert is None or alert.state in _CLOSED:
            return None
        state = State.RETRACTED if detection.what == Change.RETRACTED else State.RESOLVED
        search = detection.search or alert.search
        closed = replace(alert, state=state, updated_at=detection.at, search=search)
        return _changed(detection.what, detection.reason, closed, cause, joined=detection.joined)
    fresh = _new(detection, rule, ruleset, cause.country, ruleset_hash, uid=uid)
    if alert is None:
        return _changed(Change.RAISED, detection.reason, fresh, cause, joined=())
    if detection.reason == Reason.ANOTHER_SOURCE:
        fresh = _joined(alert, fresh)
    state = State.OPEN if alert.state in _CLOSED else alert.state
    grown = replace(fresh, state=state, raised_at=alert.raised_at, judgement=alert.judgement, assignee=alert.assignee)
    return _changed(Change.UPDATED, detection.reason, grown, cause, joined=detection.joined)


def decide_command(command: Event, alert: Alert, at: datetime, cause: Cause) -> AlertChanged | None:
    """What a person's command changes; None when it changes nothing (acknowledged already, closed already)."""
    by, note = str(command.data.get("by", "")), str(command.data.get("note", ""))[:300]
    if command.type == ACKNOWLEDGE and alert.state == State.OPEN:
        taken = replace(alert, state=State.ACKNOWLEDGED, updated_at=at)
        return _changed(Change.ACKNOWLEDGED, Reason.COMMAND, taken, cause, by=by, note=note)
    if command.type == JUDGE and command.data.get("judgement") in JUDGEMENTS:
        judged = replace(alert, judgement=str(command.data["judgement"]), updated_at=at)
        return _changed(Change.JUDGED, Reason.COMMAND, judged, cause, by=by, note=note)
    to = str(command.data.get("to", ""))
    if command.type == ASSIGN and to and to != alert.assignee and alert.state not in _CLOSED:
        given = replace(alert, assignee=to, updated_at=at)
        return _changed(Change.ASSIGNED, Reason.COMMAND, given, cause, by=by, note=note)
    if command.type == RETRACT and alert.state not in _CLOSED:
        fallen = replace(alert, state=State.RETRACTED, updated_at=at)
        return _changed(Change.RETRACTED, Reason.COMMAND, fallen, cause, by=by, note=note)
    return None


def end_by_activation(alert: Alert, before: Ruleset | None, after: Ruleset) -> Reason | None:
    """Why an open alert ends where one ruleset follows the other: nobody would ever speak of it again."""
    now, was = after.by_name.get(alert.rule), before.by_name.get(alert.rule) if before else None
    if now is None:
        return Reason.RULE_REMOVED
    return None if goes_on(was or now, now) and _fits(alert, now) else Reason.RULE_CHANGED


def _fits(alert: Alert, rule: AnyRule) -> bool:
    """Whether the alert can be one of the rule; older releases left some open of rules that had become others."""
    keys = rule.group_by if isinstance(rule, Correlation) else ()
    return set(alert.key) == set(keys) and (alert.search is not None) == isinstance(rule, AbsenceRule)


def close(alert: Alert, reason: Reason, at: datetime, cause: Cause) -> AlertChanged:
    """The end of an open alert with which no rule goes on."""
    return _changed(Change.RESOLVED, reason, replace(alert, state=State.RESOLVED, updated_at=at), cause)


def is_open(alert: Alert) -> bool:
    """Whether the alert is neither resolved nor retracted."""
    return alert.state not in _CLOSED


def _new(
    detection: Detection, rule: Rule, ruleset: Ruleset, country: str, ruleset_hash: str, *, uid: str = ""
) -> Alert:
    uid = uid or alert_uid(rule.name, country, detection)
    say = rule.say if detection.checked or not rule.say_unchecked else rule.say_unchecked
    held = _held(detection.events)
    shown = tuple([one.shown for one in held])
    # An absence speaks of the first report; those that joined it may give other days.
    told = detection.events[:1] if detection.search else detection.events
    return Alert(
        uid=uid,
        cite=cite(uid),
        rule=rule.name,
        rule_version=rule.version,
        level=rule.level if detection.checked else lower(rule.level),
        country=country,
        countries=_countries(held, country),
        key=dict(detection.key),
        state=State.OPEN,
        title=sentences(say, rule.title, told, ruleset),
        raised_at=detection.at,
        updated_at=detection.at,
        events=shown,
        event_count=len(detection.events),
        matched=detection.matched,
        fields={matched.field: matched.value for matched in detection.matched},
        search=detection.search,
        checked=detection.checked,
        tags=rule.tags,
        entities=tuple(sorted(_ids(held, detection.matched))),
        shadow=rule.shadow,
        backfill=any("backfill" in (item.data.get("flags") or ()) for item in shown[-1:]),
        ruleset=ruleset_hash,
        engine=SEMANTICS,
    )


def _held(events: Sequence[Event]) -> list[_Held]:
    """The first 10 and the last: a record must not grow without bound, and the latest is what a message tells."""
    if isinstance(events, PackedEvents):  # an alert that grows stands on the same ones each time
        return [_read_lately(one) if len(one) < SMALL else _read(unpack(one)) for one in _bounded(events.packed)]
    return [_read(event) for event in _bounded(events)]


def _bounded(items: Sequence[_T]) -> Sequence[_T]:
    return items if len(items) <= MAX_EVIDENCE else (*items[:10], *items[10 - MAX_EVIDENCE :])


def _read(event: Event) -> _Held:
    ids: set[str] = set()
    _named_ids(event.data, ids)
    return _Held(evidence(event), frozenset(ids), tuple(_roles(event.data.get("countries"))))


@lru_cache(maxsize=1_024)
def _read_lately(packed: bytes) -> _Held:
    return _read(unpack(packed))


def _joined(alert: Alert, fresh: Alert) -> Alert:
    """The alert with one more source. A source that cannot be checked takes nothing from what was proven before."""
    if alert.checked and not fresh.checked:
        return replace(fresh, checked=True, level=alert.level, title=alert.title, search=alert.search)
    return replace(fresh, search=_wider(alert.search, fresh.search))


def _wider(first: Search | None, second: Search | None) -> Search | None:
    """What was searched for two reports of one happening: both windows, which overlap or follow each other closely."""
    if first is None or second is None:
        return second or first
    known = {(reading.source, reading.position) for reading in second.readings}
    return replace(
        second,
        start=min(first.start, second.start),
        end=max(first.end, second.end),
        readings=(*(r for r in first.readings if (r.source, r.position) not in known), *second.readings),
    )


def _changed(
    change: Change,
    reason: Reason,
    alert: Alert,
    cause: Cause,
    *,
    joined: Sequence[Event] = (),
    by: str = "",
    note: str = "",
) -> AlertChanged:
    return AlertChanged(
        id=content_id(alert.uid, change, reason, cause.id),
        change=change,
        reason=reason,
        at=alert.updated_at,
        cause=cause.position,
        alert=alert,
        joined=tuple(evidence(event) for event in joined),
        by=by,
        note=note,
    )


def _roles(named: Any) -> Iterable[tuple[str, tuple[str, ...]]]:
    for role, codes in named.items() if isinstance(named, dict) else ():
        if isinstance(codes, (list, tuple)):
            yield str(role), tuple([str(code) for code in codes])


def _countries(held: Sequence[_Held], country: str) -> dict[str, tuple[str, ...]]:
    roles: dict[str, set[str]] = {"key": {country}}
    for item in held:
        for role, codes in item.countries:
            roles.setdefault(role, set()).update(codes)
    return {role: tuple(sorted(roles[role])) for role in sorted(roles)}


def _ids(held: Sequence[_Held], matched: Sequence[Matched]) -> set[str]:
    found = {one.entry["id"] for one in matched if one.entry}
    return found.union(*[item.ids for item in held])


def _named_ids(value: Any, found: set[str]) -> None:
    """Adds the id of every object that has a name too, at any depth."""
    parts = [value]
    for part in parts:  # grows while it is walked
        inner = part
        if isinstance(part, dict):
            uid = part.get("id")
            if isinstance(uid, str) and "name" in part:
                found.add(uid)
            inner = part.values()
        for one in inner:
            kind = one.__class__
            if kind is dict or kind is list or (kind is not str and isinstance(one, (dict, list, tuple))):
                parts.append(one)
