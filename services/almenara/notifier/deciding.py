"""Who is told of one change of an alert, and who is not and why: one decision for each subscriber and channel. Pure.

The stages in their order: filter, subscription, deputy, confidentiality, inhibition, silence. Only news (raised,
updated) is ever held back: whoever was told of an alert hears how it ends.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from almenara.domain.alert import Alert, AlertChanged, Change
from almenara.domain.audience import Subscriber, Target
from almenara.domain.notice import Decision, Notice, NotSent, Told
from almenara.notifier.noticing import not_sent, planned
from almenara.notifier.route_state import Escalating, HeldBack, RouteState, Standing, place_of
from almenara.notifier.stages import (
    NEWS,
    OVER,
    banned,
    deputy_of,
    filtered,
    held_back,
    too_confidential,
    wanted_by,
)

_WAITS = (NotSent.SILENCED, NotSent.INHIBITED)
_AFTER = {NotSent.SILENCED: Told.SILENCE_ENDED, NotSent.INHIBITED: Told.INHIBITION_ENDED}


def decide(state: RouteState, changed: AlertChanged, at: datetime) -> list[Notice]:
    """The decisions about one change, in the order of the audience; the state then knows who was told."""
    found: dict[str, Notice] = {}
    stand_ins: dict[str, Subscriber] = {}
    for who in state.audience.subscribers:
        deputy = deputy_of(state, who, at) if changed.change in NEWS else None
        for notice in _own(state, changed, who, deputy, at):
            found[place_of(who.id, notice.via)] = notice
            if notice.reason == NotSent.AWAY and deputy is not None:
                stand_ins[who.id] = deputy
    for name, deputy in stand_ins.items():
        _merge(found, tell(state, changed, deputy, at, why=Told.WANTED, on_behalf=name))
    if changed.change == Change.ASSIGNED and (assignee := state.who(changed.alert.assignee)) is not None:
        _merge(found, tell(state, changed, assignee, at, why=Told.ASSIGNED), over=True)
    if changed.change in OVER:
        found |= _left(state, changed, at)
    _remember(state, changed, found.values())
    return list(found.values())


def release(state: RouteState, at: datetime) -> list[Notice]:
    """The decisions for those who were held back, made again: something that held news back may be over."""
    found = []
    for standing in list(state.standing.values()):
        for place, was in list(standing.held.items()):
            notice = _again(state, standing, place, was, at)
            if notice is None:
                del standing.held[place]
                continue
            if (notice.reason, notice.ref) == (was.reason, was.ref):
                continue
            found.append(notice)
            _remember(state, standing.news, [notice])
    return found


def tell(
    state: RouteState,
    changed: AlertChanged,
    who: Subscriber,
    at: datetime,
    *,
    why: Told,
    ref: str = "",
    on_behalf: str = "",
) -> Iterator[Notice]:
    """Tells somebody by all their ways whatever they want: as a deputy, on duty, or because it was given to them.

    Ceilings and ended subscriptions hold; silences and inhibitions only for a deputy, who stands for the other's wish.
    """
    for target in who.targets:
        place = place_of(who.id, target.via)
        held = banned(state, changed.alert, who, target)
        if held is None and on_behalf:
            held = held_back(state, changed.alert, place, at)
        if held is not None:
            yield not_sent(changed, who, held, at, target, later=str(why) if ref else "")
            continue
        thread = _thread(state, changed.alert, place)
        yield planned(changed, who, target, at, why=why, ref=ref, on_behalf=on_behalf, thread=thread)
    if not who.targets:
        yield not_sent(changed, who, HeldBack(NotSent.NO_CHANNEL), at, later=str(why) if ref else "")


def _own(
    state: RouteState, changed: AlertChanged, who: Subscriber, deputy: Subscriber | None, at: datetime
) -> Iterator[Notice]:
    """The decisions for one subscriber by their own wants."""
    if not who.targets:
        yield not_sent(changed, who, HeldBack(NotSent.NO_CHANNEL), at)
    wanted = wanted_by(who, changed.alert)
    for target in who.targets:
        thread = _thread(state, changed.alert, place_of(who.id, target.via))
        held = filtered(changed, wanted=wanted >= 0, told=bool(thread))
        held = held or _held(state, changed, who, target, at, deputy=deputy)
        if held is not None:
            yield not_sent(changed, who, held, at, target)
            continue
        # whoever learnt something that is too confidential for them by now learns that it is over, and no more
        hidden = too_confidential(state, changed.alert, who, target)
        why = Told.FOLLOWS if thread else Told.WANTED
        yield planned(bare(changed) if hidden else changed, who, target, at, why=why, wanted=wanted, thread=thread)


def _held(
    state: RouteState,
    changed: AlertChanged,
    who: Subscriber,
    target: Target,
    at: datetime,
    *,
    deputy: Subscriber | None,
) -> HeldBack | None:
    found = banned(state, changed.alert, who, target)
    if changed.change not in NEWS:
        return found if found is not None and found.reason == NotSent.UNSUBSCRIBED else None
    if found is not None and found.reason == NotSent.UNSUBSCRIBED:
        return found
    if deputy is not None:
        return HeldBack(NotSent.AWAY, deputy.id)
    return found or held_back(state, changed.alert, place_of(who.id, target.via), at)


def _again(state: RouteState, standing: Standing, place: str, was: HeldBack, at: datetime) -> Notice | None:
    """The decision for one place that was held back; None when there is nobody or nothing to tell any more."""
    name, _, via = place.partition("/")
    who = state.who(name)
    target = next((one for one in who.targets if one.via == via), None) if who else None
    changed = standing.news
    if who is None or target is None:
        return None
    thread, wanted = _thread(state, changed.alert, place), wanted_by(who, changed.alert)
    if filtered(changed, wanted=wanted >= 0, told=bool(thread)) is not None:
        return None
    held = _held(state, changed, who, target, at, deputy=deputy_of(state, who, at))
    if held is not None:
        return not_sent(changed, who, held, at, target, later=str(was.reason))
    return planned(changed, who, target, at, why=_AFTER[was.reason], ref=was.ref, wanted=wanted, thread=thread)


def _left(state: RouteState, changed: AlertChanged, at: datetime) -> dict[str, Notice]:
    """Those who were told of the alert and cannot be told how it ends: they left, or their channel did."""
    there = {place_of(who.id, target.via) for who in state.audience.subscribers for target in who.targets}
    found = {}
    for place in state.told.get(changed.alert.uid, {}):
        if place not in there:
            name, _, via = place.partition("/")
            gone = Target(kind="", via=via, address_hash="")
            found[place] = not_sent(changed, Subscriber(id=name), HeldBack(NotSent.LEFT), at, gone)
    return found


def _remember(state: RouteState, changed: AlertChanged, notices: Iterable[Notice]) -> None:
    """Who was told; who waits; and which teams' steps begin."""
    told = state.told.setdefault(changed.alert.uid, {})
    standing = state.standing.get(changed.alert.uid)
    for notice in notices:
        place = place_of(notice.subscriber, notice.via)
        if notice.decision == Decision.PLANNED:
            told.setdefault(place, notice.delivery)
        if standing is None or changed.change not in NEWS:
            continue
        standing.held.pop(place, None)
        if notice.reason in _WAITS:
            standing.held[place] = HeldBack(NotSent(notice.reason), notice.ref)
        elif notice.decision == Decision.PLANNED and notice.team:
            standing.escalating.setdefault(notice.subscriber, Escalating(notice.at))


def _merge(found: dict[str, Notice], more: Iterable[Notice], *, over: bool = False) -> None:
    """Adds decisions; what somebody is told already for a reason of their own stays, unless it goes `over` it."""
    for notice in more:
        place = place_of(notice.subscriber, notice.via)
        there = found.get(place)
        if there is None or there.decision == Decision.NOT_SENT or (over and notice.decision == Decision.PLANNED):
            found[place] = notice


def _thread(state: RouteState, alert: Alert, place: str) -> str:
    return state.told.get(alert.uid, {}).get(place, "")


def bare(changed: AlertChanged) -> AlertChanged:
    """The change without anything that its events say: only that this alert, of this rule and country, is over."""
    alert = replace(
        changed.alert,
        countries={}, key={}, title={}, events=(), matched=(), fields={}, search=None, entities=(), judgement="",
    )  # fmt: skip
    return replace(changed, alert=alert, joined=(), note="")
