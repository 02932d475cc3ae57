"""Several decisions made one message: what waited about one alert, and what a digest tells. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from almenara.domain.alert import ENDS, LEVELS, NEWS, OVER, Change
from almenara.domain.audience import Subscriber, Target
from almenara.domain.ids import content_id
from almenara.domain.notice import DigestNotice, Held, Notice, SilentSource, Told
from almenara.notifier.plan.state import Place

Way = tuple[Subscriber, Target]
"""Somebody, and one way to them, as the audience has it now."""

IN_FULL: Final = 40
"""As many alerts are told in a digest; the others are counted."""


def one_of(notices: Sequence[Notice], *, told: bool) -> Notice:
    """The one message that says all of what waited about an alert. `told`: they heard of it before.

    The last end, else the last news, else the newest: told of the alert as it stands now. Somebody who hears of an
    alert for the first time is told that it was raised, whatever has been added since; but who is called in is told
    that they are.
    """
    latest = notices[-1]
    ends = [one for one in notices if one.changed.change in ENDS]
    news = [one for one in notices if one.changed.change in NEWS]
    closed = bool(ends) and latest.changed.alert.state in OVER
    if latest.why == Told.ASSIGNED:
        return latest
    chosen = ends[-1] if closed else (news[-1] if news else latest)
    changed = chosen.changed
    if not told and not closed and news and news[0].changed.change == Change.RAISED:
        changed = news[0].changed
    return replace(chosen, changed=replace(changed, alert=latest.changed.alert))


def digest_of(
    way: Way,
    place: Place,
    notices: Iterable[Notice],
    at: datetime,
    *,
    why: Held,
    silent: Iterable[tuple[str, datetime]] = (),
) -> DigestNotice:
    """One message of what waited at one place, at a time."""
    who, target = way
    ranked = sorted(notices, key=lambda one: (-_rank(one), one.at))
    return DigestNotice(
        delivery=content_id(str(why), who.id, target.via, at),
        subscriber=who.id,
        channel=target.kind,
        via=target.via,
        address_hash=target.address_hash,
        language=who.language,
        time_zone=who.time_zone,
        team=who.team,
        why=why,
        since=place.since,
        at=at,
        notices=tuple(ranked[:IN_FULL]),
        levels=Counter(one.changed.alert.level for one in ranked if one.changed.change not in ENDS),
        more=max(0, len(ranked) - IN_FULL),
        open=len(place.first),
        closed=place.closed,
        held_back=dict(sorted(place.held_back.items())),
        silent=tuple(SilentSource(source=source, since=since) for source, since in sorted(set(silent))),
    )


def _rank(notice: Notice) -> int:
    level = notice.changed.alert.level
    return LEVELS.index(level) if level in LEVELS else 0
