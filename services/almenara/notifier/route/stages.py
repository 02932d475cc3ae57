"""The stages that keep a subscriber from being told, each with its reason. Pure questions to the route's state.

Filters ask whether somebody wants it; bans whether they may have it at all; holds whether it is for now held back.
"""

from datetime import datetime

from almenara.domain.alert import NEWS, Alert, AlertChanged
from almenara.domain.audience import Subscriber, Target
from almenara.domain.notice import NotSent, place_of
from almenara.notifier import hours
from almenara.notifier.route.matching import above, inhibits, passes, silences, tlp_of
from almenara.notifier.route.state import HeldBack, RouteState
from almenara.notifier.words.vocabulary import zone_of


def wanted_by(who: Subscriber, alert: Alert) -> int:
    """The first of the subscriber's filters that lets the alert pass; -1 for none."""
    return next((number for number, want in enumerate(who.wants) if passes(want, alert)), -1)


def filtered(changed: AlertChanged, *, wanted: bool, told: bool) -> HeldBack | None:
    """Whoever was told is told of every change; others of news that their filter lets pass."""
    if told:
        return None
    if changed.alert.shadow:
        return HeldBack(NotSent.SHADOW)
    if not wanted:
        return HeldBack(NotSent.FILTERED)
    if changed.alert.backfill:
        return HeldBack(NotSent.BACKFILL)
    return None if changed.change in NEWS else HeldBack(NotSent.NEVER_TOLD)


def banned(state: RouteState, changed: AlertChanged, who: Subscriber, target: Target) -> HeldBack | None:
    """They ended the subscription, or it is too confidential for them or for the channel."""
    if place_of(who.id, target.via) in state.ended:
        return HeldBack(NotSent.UNSUBSCRIBED)
    return HeldBack(NotSent.CONFIDENTIAL) if too_confidential(state, changed, who, target) else None


def too_confidential(state: RouteState, changed: AlertChanged, who: Subscriber, target: Target) -> bool:
    """Whether the alert, or what the change brought, is above the ceiling of the subscriber or of the channel."""
    tlp = tlp_of(changed.alert, state.audience.tlp, changed.joined)
    return above(tlp, who.tlp) or above(tlp, target.tlp)


def held_back(state: RouteState, alert: Alert, place: str, at: datetime) -> HeldBack | None:
    """An open alert that they were told of says it already, or a silence holds it back."""
    for rule in state.audience.inhibitions:
        for standing in state.standing.values():
            source = standing.news.alert
            if place in state.told.get(source.uid, {}) and inhibits(rule, source, alert):
                return HeldBack(NotSent.INHIBITED, source.cite)
    found = next((one for one in state.silences.values() if silences(one, alert, at)), None)
    return HeldBack(NotSent.SILENCED, found.id) if found else None


def deputy_of(state: RouteState, who: Subscriber, at: datetime) -> Subscriber | None:
    """Who is told instead of somebody who is away; a deputy who is away has a deputy, too. None when they are there."""
    found, seen = who, {who.id}
    while found.deputy is not None and hours.away(found.deputy, zone_of(found.time_zone), at):
        after = state.who(found.deputy.who)
        if after is None or after.id in seen:
            break
        seen.add(after.id)
        found = after
    return None if found is who else found
