"""Route: the records of `alerts` in, one recorded decision for each alert change and subscriber out (`notices`).

A pure fold: who is told, by which channel, or why not. It has no way to send anything. The clock, the audience and what
people asked for (silences, ended subscriptions) come in the same stream, in order.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from almenara.domain.alert import ENDS, NEWS, AlertChanged, Reason
from almenara.domain.audience import Want
from almenara.domain.errors import Rejected
from almenara.domain.event import AUDIENCE, BEACON, RESUBSCRIBE, SILENCE, SILENCE_END, TICK, UNSUBSCRIBE, Event
from almenara.domain.notice import Notice, NotSent, place_of
from almenara.domain.silence import Silence
from almenara.notifier.route.deciding import decide, release
from almenara.notifier.route.escalation import Decided, advance
from almenara.notifier.route.state import RouteState, Standing
from almenara.ports.log import ALERTS, NOTICES, Entry, Record
from almenara.ports.processor import Fold, History, Outputs
from almenara.ports.state import BlobStore
from almenara.ports.wire import decode_alerts, decode_audience, encode, encode_event

CONSUMER: Final = "notifier"
_FOR_PLAN: Final = (TICK, AUDIENCE, BEACON, UNSUBSCRIBE, RESUBSCRIBE)


class RouteProcessor:
    """Opens the folds of the route. Audiences come by hash from the blob store."""

    consumer = CONSUMER
    stream = ALERTS
    version = "route/3"

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def open(self, partition: int, state: bytes | None, history: History) -> Fold:
        """A fold from the start, or from a snapshot."""
        held = msgspec.msgpack.decode(state, type=RouteState) if state else RouteState()
        return RouteFold(held, self._blobs, partition)


class RouteFold:
    """The fold over one partition of `alerts`."""

    def __init__(self, state: RouteState, blobs: BlobStore, partition: int = 0) -> None:
        self._state = state
        self._blobs = blobs
        self._partition = partition

    def apply(self, record: Record) -> Outputs:
        """Takes one record of `alerts`. Raises Rejected for one that cannot be read."""
        found = decode_alerts(record.body, record.position)
        if isinstance(found, AlertChanged):
            # a command has the time of somebody's machine, which may be wrong by days; only the record's clock counts
            moved = () if found.reason == Reason.COMMAND else advance(self._state, found.at)
            entries = self._entries(moved)
            return Outputs(entries + self._entries(self._change(found)))
        entries = self._entries(self._event(found))
        if found.type in _FOR_PLAN:
            entries.append(Entry(NOTICES, "", record.id, encode_event(found), self._partition))
        return Outputs(entries)

    def snapshot(self) -> bytes:
        """The state as bytes."""
        return msgspec.msgpack.encode(self._state)

    def _change(self, changed: AlertChanged) -> Iterable[Notice]:
        state, uid = self._state, changed.alert.uid
        standing = state.standing.get(uid)
        if changed.change in ENDS:
            notices = decide(state, changed, state.clock)
            if state.standing.pop(uid, None) is not None:
                notices += release(state, state.clock)  # what it inhibited is told now
            return notices
        if changed.change in NEWS:
            if standing is None:
                standing = state.standing[uid] = Standing(changed)
            standing.news = changed
        elif standing is not None:
            standing.news = replace(standing.news, alert=changed.alert)
        notices = decide(state, changed, state.clock)
        if changed.change in NEWS and _inhibits(state, changed.alert.cite):
            notices += release(state, state.clock)  # it may not say any more what it said
        return notices

    def _event(self, event: Event) -> Iterable[Decided]:
        state = self._state
        if event.type == TICK:
            return advance(state, event.time)
        if event.type == AUDIENCE:
            state.audience = decode_audience(self._blobs.get(str(event.data.get("hash", ""))))
            return release(state, state.clock)
        if event.type == SILENCE:
            silence = silence_of(event)
            if not event.data.get("start"):  # from its record on: the clock is told by the minute, and behind it
                silence = replace(silence, start=min(silence.start, state.clock))
            state.silences[silence.id] = silence
        elif event.type == SILENCE_END and state.silences.pop(str(event.data.get("silence")), None) is not None:
            state.warned.pop(str(event.data.get("silence")), None)
            return release(state, state.clock)
        elif event.type in (UNSUBSCRIBE, RESUBSCRIBE):
            place = place_of(str(event.data.get("subscriber")), str(event.data.get("via")))
            state.ended.pop(place, None)
            if event.type == UNSUBSCRIBE:
                state.ended[place] = None
        return ()

    def _entries(self, decided: Iterable[Decided]) -> list[Entry]:
        return [
            Entry(NOTICES, one.subscriber, one.id if isinstance(one, Notice) else one.delivery, encode(one))
            for one in decided
        ]


def _inhibits(state: RouteState, cite: str) -> bool:
    """Whether the alert holds another one back from anybody."""
    held = (one for standing in state.standing.values() for one in standing.held.values())
    return any(one.reason == NotSent.INHIBITED and one.ref == cite for one in held)


def silence_of(event: Event) -> Silence:
    """The silence that a `silence.add` asks for. Raises Rejected (`bad_data`)."""
    data = event.data
    try:
        return Silence(
            id=str(data["silence"]),
            start=_moment(data["start"]) if data.get("start") else event.recorded,
            until=_moment(data["until"]),
            by=str(data.get("by", "")),
            reason=str(data.get("reason", "")),
            matcher=msgspec.convert(data.get("matcher") or {}, Want),
            alert=str(data.get("alert", "")),
        )
    except (KeyError, TypeError, ValueError, OverflowError, msgspec.ValidationError) as error:
        raise Rejected("bad_data", f"{event.type}: {error}") from error


def _moment(text: Any) -> datetime:
    found = datetime.fromisoformat(str(text))
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return found.astimezone(UTC)
