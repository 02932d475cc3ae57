"""Route: the records of `alerts` in, one recorded decision for each alert change and subscriber out (`notices`).

A pure fold: who is told, by which channel, or why not. It has no way to send anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from almenara.domain.alert import Alert, AlertChanged, Change
from almenara.domain.audience import Audience, Subscriber, Target, Want
from almenara.domain.event import AUDIENCE, Event
from almenara.domain.ids import content_id
from almenara.domain.notice import Decision, Notice, NotSent
from almenara.ports.log import ALERTS, NOTICES, Entry, Record
from almenara.ports.processor import Fold, History, Outputs
from almenara.ports.state import BlobStore
from almenara.ports.wire import decode_alerts, decode_audience, encode

CONSUMER: Final = "notifier"
_NEWS: Final = (Change.RAISED, Change.UPDATED)


@dataclass(slots=True)
class RouteState:
    """The audience in force, and who was told of which alert: alert -> `subscriber/via` -> first delivery."""

    audience: Audience = field(default_factory=Audience)
    told: dict[str, dict[str, str]] = field(default_factory=dict)


class RouteProcessor:
    """Opens the folds of the route. Audiences come by hash from the blob store."""

    consumer = CONSUMER
    stream = ALERTS
    version = "route/1"

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def open(self, partition: int, state: bytes | None, history: History) -> Fold:
        """A fold from the start, or from a snapshot."""
        held = msgspec.msgpack.decode(state, type=RouteState) if state else RouteState()
        return RouteFold(held, self._blobs)


class RouteFold:
    """The fold over one partition of `alerts`."""

    def __init__(self, state: RouteState, blobs: BlobStore) -> None:
        self._state = state
        self._blobs = blobs

    def apply(self, record: Record) -> Outputs:
        """Takes one record of `alerts`. Raises Rejected for one that cannot be read."""
        found = decode_alerts(record.body, record.position)
        if isinstance(found, Event):
            if found.type == AUDIENCE:
                self._state.audience = decode_audience(self._blobs.get(str(found.data.get("hash", ""))))
            return Outputs()
        notices = [notice for who in self._state.audience.subscribers for notice in self._decide(found, who)]
        return Outputs([Entry(NOTICES, notice.subscriber, notice.id, encode(notice)) for notice in notices])

    def snapshot(self) -> bytes:
        """The state as bytes."""
        return msgspec.msgpack.encode(self._state)

    def _decide(self, changed: AlertChanged, who: Subscriber) -> Iterator[Notice]:
        alert = changed.alert
        told = self._state.told.setdefault(alert.uid, {})
        wanted = next((n for n, want in enumerate(who.wants) if passes(want, alert)), -1)
        if not who.targets:
            yield _not_sent(changed, who, NotSent.NO_CHANNEL)
        for target in who.targets:
            place = f"{who.id}/{target.via}"
            reason = _reason(changed, wanted >= 0, place in told)
            if reason is not None:
                yield _not_sent(changed, who, reason, target)
            else:
                notice = _planned(changed, who, target, wanted, told.get(place, ""))
                told.setdefault(place, notice.delivery)
                yield notice


def passes(want: Want, alert: Alert) -> bool:
    """Whether the filter lets the alert pass; a country matches in any role."""
    roles = {code for codes in alert.countries.values() for code in codes}
    return (
        (not want.countries or bool(roles & set(want.countries)))
        and (not want.rules or alert.rule in want.rules)
        and (not want.levels or alert.level in want.levels)
        and (not want.tags or bool(set(alert.tags) & set(want.tags)))
        and (not want.entities or bool(set(alert.entities) & set(want.entities)))
    )


def _reason(changed: AlertChanged, wanted: bool, told: bool) -> NotSent | None:
    """Why not, or None. Whoever was told is told of every change; others of news that their filter lets pass."""
    if told:
        return None
    if changed.alert.shadow:
        return NotSent.SHADOW
    if not wanted:
        return NotSent.FILTERED
    if changed.alert.backfill:
        return NotSent.BACKFILL
    return None if changed.change in _NEWS else NotSent.NEVER_TOLD


def _planned(changed: AlertChanged, who: Subscriber, target: Target, wanted: int, thread: str) -> Notice:
    uid = content_id("notice", changed.id, who.id, target.via)
    delivery = content_id("delivery", uid)
    return Notice(
        id=uid,
        subscriber=who.id,
        decision=Decision.PLANNED,
        changed=changed,
        at=changed.at,
        due=changed.at,
        channel=target.kind,
        via=target.via,
        address_hash=target.address_hash,
        delivery=delivery,
        thread=thread or delivery,
        language=who.language,
        time_zone=who.time_zone,
        team=who.team,
        filter_index=wanted,
    )


def _not_sent(changed: AlertChanged, who: Subscriber, reason: NotSent, target: Target | None = None) -> Notice:
    via = target.via if target else ""
    return Notice(
        id=content_id("notice", changed.id, who.id, via),
        subscriber=who.id,
        decision=Decision.NOT_SENT,
        reason=reason,
        changed=changed,
        at=changed.at,
        due=changed.at,
        channel=target.kind if target else "",
        via=via,
        language=who.language,
        time_zone=who.time_zone,
        team=who.team,
    )
