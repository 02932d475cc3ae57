"""Who is told of one change of an alert, and who is not and why: one decision for each subscriber and channel. Pure.

The stages in their order: filter, subscription, deputy, confidentiality, inhibition, silence. Only news (raised,
updated) is ever held back: whoever was told of an alert hears how it ends.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from almenara.domain.alert import ENDS, NEWS, Alert, AlertChanged, Change
from almenara.domain.audience import Subscriber, Target
from almenara.domain.notice import CALLED_IN, Decision, Notice, NotSent, Told, place_of
from almenara.notifier.route.noticing import not_sent, planned
from almenara.notifier.route.stages import banned, deputy_of, filtered, held_back, too_confidential, wanted_by
from almenara.notifier.route.state import Escalating, HeldBack, RouteState, Standing

_WAITS = (NotSent.SILENCED, NotSent.INHIBITED)
_AFTER = {NotSent.SILENCED: Told.SILENCE_ENDED, NotSent.INHIBITED: Told.INHIBITION_ENDED}


def decide(state: RouteState, changed: AlertChanged, at: datetime) -> list[Notice]:
    """The decisions about one change, in the order of the audience; the state then knows who was told."""
    found: dict[str, Notice] = {}
    stand_ins: dict[str, Subscriber] = {}
    told = state.told.get(changed.alert.uid, {})
    heard = {place.partition("/")[0] for place in told}
    for who in state.audience.subscribers:
        deputy = deputy_of(state, who, at) if changed.change in NEWS else None
        # by none of the ways that they have now: a channel was renamed, or taken from them
        moved = who.id in heard and not any(place_of(who.id, target.via) in told for target in who.targets)
        for notice in _own(state, changed, who, deputy, at, moved=moved):
            found[place_of(who.id, notice.via)] = notice
            if notice.reason == NotSent.AWAY and deputy is not None:
                stand_ins[who.id] = deputy
    for name, deputy in stand_ins.items():
        _merge(found, tell(state, changed, deputy, at, why=Told.WANTED, on_behalf=name))
    if changed.change == Change.ASSIGNED and (assignee := state.who(changed.alert.assignee)) is not None:
        _merge(found, tell(state, changed, assignee, at, why=Told.ASSIGNED), over=True)
    if changed.change in ENDS:
        found |= _left(state, changed, at)
    _remember(state, changed, found.values())
    for name, deputy in stand_ins.items():
        if any(one.subscriber == deputy.id and one.decision == Decision.PLANNED for one in found.values()):
            _begin(state, changed, name, at)
    return list(found.values())


def release(state: RouteState, at: datetime) -> list[Notice]:
    """The decisions for those who were held back, made again: something that held news back may be over."""
    found = []
    for standing in list(state.standing.values()):
        for place, was in list(standing.held.items()):
            if place not in standing.held:  # decided with another way of theirs
                continue
            notices = _again(state, standing, place, was, at)
            if len(notices) == 1 and (notices[0].reason, notices[0].ref) == (was.reason, was.ref):
                continue
            standing.held.pop(place)
            found += notices
            _remember(state, standing.news, notices)
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
        held = banned(state, changed, who, target)
        if held is None and on_behalf:
            held = held_back(state, changed.alert, place, at)
        if held is not None:
            yield not_sent(changed, who, held, at, target, later=str(why) if ref else "", on_behalf=on_behalf)
            continue
        thread = _thread(state, changed.alert, place)
        yield planned(changed, who, target, at, why=why, ref=ref, on_behalf=on_behalf, thread=thread)
    if not who.targets:
        yield not_sent(changed, who, HeldBack(NotSent.NO_CHANNEL), at, later=str(why) if ref else "")


def _own(
    state: RouteState, changed: AlertChanged, who: Subscriber, deputy: Subscriber | None, at: datetime, *, moved: bool
) -> Iterator[Notice]:
    """The decisions for one subscriber by their own wants."""
    if not who.targets:
        yield not_sent(changed, who, HeldBack(NotSent.NO_CHANNEL), at)
    wanted = wanted_by(who, changed.alert)
    for target in who.targets:
        thread = _thread(state, changed.alert, place_of(who.id, target.via))
        held = filtered(changed, wanted=wanted >= 0, told=bool(thread) or moved)
        held = held or _held(state, changed, who, target, at, deputy=deputy)
        if held is not None:
            yield not_sent(changed, who, held, at, target)
            continue
        # whoever learnt something that is too confidential for them by now learns that it is over, and no more
        hidden = too_confidential(state, changed, who, target)
        why = Told.FOLLOWS if thread or moved else Told.WANTED
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
    found = banned(state, changed, who, target)
    if changed.change not in NEWS:
        return found if found is not None and found.reason == NotSent.UNSUBSCRIBED else None
    if found is not None and found.reason == NotSent.UNSUBSCRIBED:
        return found
    if deputy is not None:
        return HeldBack(NotSent.AWAY, deputy.id)
    return found or held_back(state, changed.alert, place_of(who.id, target.via), at)


def _again(state: RouteState, standing: Standing, place: str, was: HeldBack, at: datetime) -> list[Notice]:
    """The decisions for one place that was held back; none when there is nobody or nothing to tell any more.

    Whoever is away by now has a deputy, who is told; whoever is back is told instead of their deputy.
    """
    name, _, via = place.partition("/")
    who, changed = state.who(was.on_behalf or name), standing.news
    heard = bool(_thread(state, changed.alert, place))
    if who is None or filtered(changed, wanted=wanted_by(who, changed.alert) >= 0, told=heard) is not None:
        return []
    deputy = deputy_of(state, who, at)
    if was.on_behalf and deputy is not None and deputy.id == name:
        return [one for one in _for_another(state, changed, who, deputy, at, was=was) if one.via == via]
    if was.on_behalf:  # what was to be told by the deputy's ways is told by their own
        for other in [other for other, held in standing.held.items() if held.on_behalf == who.id and other != place]:
            del standing.held[other]
    ways = [target for target in who.targets if was.on_behalf or target.via == via]
    found = [_late(state, changed, who, target, at, was=was, deputy=deputy) for target in ways]
    if deputy is not None and any(one.reason == NotSent.AWAY for one in found):
        known = {*state.told.get(changed.alert.uid, {}), *standing.held}
        more = _for_another(state, changed, who, deputy, at, was=was)
        found += [one for one in more if place_of(one.subscriber, one.via) not in known]
    return found


def _late(
    state: RouteState,
    changed: AlertChanged,
    who: Subscriber,
    target: Target,
    at: datetime,
    *,
    was: HeldBack,
    deputy: Subscriber | None,
) -> Notice:
    """The decision for one way of somebody from whom it was held back until now."""
    thread, wanted = _thread(state, changed.alert, place_of(who.id, target.via)), wanted_by(who, changed.alert)
    held = _held(state, changed, who, target, at, deputy=deputy)
    if held is not None:
        return not_sent(changed, who, held, at, target, later=str(was.reason))
    return planned(changed, who, target, at, why=_AFTER[was.reason], ref=was.ref, wanted=wanted, thread=thread)


def _for_another(
    state: RouteState, changed: AlertChanged, away: Subscriber, deputy: Subscriber, at: datetime, *, was: HeldBack
) -> Iterator[Notice]:
    return tell(state, changed, deputy, at, why=_AFTER[was.reason], ref=was.ref, on_behalf=away.id)


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
    standing = state.standing.get(changed.alert.uid)
    for notice in notices:
        place = place_of(notice.subscriber, notice.via)
        is_planned = notice.decision == Decision.PLANNED
        if is_planned:
            state.told.setdefault(changed.alert.uid, {}).setdefault(place, notice.delivery)
        if standing is not None and is_planned and notice.why in CALLED_IN:
            standing.held.pop(place, None)  # they have it as it stands
        if standing is None or changed.change not in NEWS:
            continue
        standing.held.pop(place, None)
        if notice.reason in _WAITS:
            standing.held[place] = HeldBack(NotSent(notice.reason), notice.ref, notice.on_behalf)
        elif is_planned:
            _begin(state, changed, notice.subscriber, notice.at)
            _begin(state, changed, notice.on_behalf, notice.at)


def _begin(state: RouteState, changed: AlertChanged, name: str, at: datetime) -> None:
    """The steps of a team begin when it, or whoever stands in for it, is told."""
    who, standing = state.who(name), state.standing.get(changed.alert.uid)
    if who is not None and who.team and standing is not None:
        standing.escalating.setdefault(name, Escalating(at))


def _merge(found: dict[str, Notice], more: Iterable[Notice], *, over: bool = False) -> None:
    """Adds decisions; what somebody is told already for a reason of their own stays, unless it goes `over` it."""
    for notice in more:
        place = place_of(notice.subscriber, notice.via)
        there = found.get(place)
        # what holds it back from somebody who wants it holds it back from them as a deputy, too
        waits = there is not None and there.reason in _WAITS and notice.decision == Decision.NOT_SENT
        if (
            there is None
            or (there.decision == Decision.NOT_SENT and not waits)
            or (over and notice.decision == Decision.PLANNED)
        ):
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
