"""Notices made of decisions: their ids, and what goes into them. Pure."""

from dataclasses import replace
from datetime import datetime

from almenara.domain.alert import AlertChanged
from almenara.domain.audience import Subscriber, Target
from almenara.domain.ids import content_id
from almenara.domain.notice import Decision, Notice, Told
from almenara.notifier.route.state import HeldBack

_AT_ONCE = (Told.WANTED, Told.FOLLOWS)


def planned(
    changed: AlertChanged,
    who: Subscriber,
    target: Target,
    at: datetime,
    *,
    why: Told,
    ref: str = "",
    on_behalf: str = "",
    wanted: int = -1,
    thread: str = "",
) -> Notice:
    """The decision to tell somebody. What is decided later about the same change has an id of its own."""
    later = () if why in _AT_ONCE else (str(why), ref, at)
    uid = content_id("notice", changed.id, who.id, target.via, *later)
    delivery = content_id("delivery", uid)
    return replace(
        _notice(uid, changed, who, at, target),
        decision=Decision.PLANNED,
        why=why,
        ref=ref,
        on_behalf=on_behalf,
        address_hash=target.address_hash,
        delivery=delivery,
        thread=thread or delivery,
        filter_index=wanted,
    )


def not_sent(
    changed: AlertChanged,
    who: Subscriber,
    held: HeldBack,
    at: datetime,
    target: Target | None = None,
    *,
    later: str = "",
    on_behalf: str = "",
) -> Notice:
    """The decision not to tell somebody. `later` tells apart what is decided again about the same change."""
    via = target.via if target else ""
    uid = content_id("notice", changed.id, who.id, via, *((later, str(held.reason), held.ref, at) if later else ()))
    return replace(_notice(uid, changed, who, at, target), reason=held.reason, ref=held.ref, on_behalf=on_behalf)


def _notice(uid: str, changed: AlertChanged, who: Subscriber, at: datetime, target: Target | None) -> Notice:
    return Notice(
        id=uid,
        subscriber=who.id,
        decision=Decision.NOT_SENT,
        changed=changed,
        at=at,
        due=at,
        channel=target.kind if target else "",
        via=target.via if target else "",
        language=who.language,
        time_zone=who.time_zone,
        team=who.team,
    )
