"""What the pages ask and record, over one store: the record as a reader may know it, and their commands in `events`.

What was read once is remembered by position, so that a page looks only at what is new. Bears use by several threads.
"""

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from almenara.app.active import Active
from almenara.app.commands import append_command, append_everywhere
from almenara.app.sources import backwards
from almenara.domain.alert import Alert, AlertChanged, Reason
from almenara.domain.audience import Audience, Subscriber
from almenara.domain.errors import Missing, Rejected
from almenara.domain.event import RESUBSCRIBE, SILENCE, UNSUBSCRIBE, Event
from almenara.domain.notice import Decision, Delivery, Notice
from almenara.notifier.route.matching import above, tlp_of
from almenara.notifier.words.vocabulary import country_name
from almenara.ports.commands import Command
from almenara.ports.log import ALERTS, DELIVERIES, EVENTS, NOTICES, Record, partition_of, read_range
from almenara.ports.query import AlertView, Done, Told
from almenara.ports.store import Store
from almenara.ports.wire import (
    decode_alerts,
    decode_audience,
    decode_delivery,
    decode_event,
    decode_notices,
    is_event,
)

SOURCE: Final = "almenara/console"
_EVERYWHERE: Final = (SILENCE, UNSUBSCRIBE, RESUBSCRIBE)
_LOOK_EVERY: Final = 500
_SLACK: Final = timedelta(days=1)  # between the clock of the log and that of the sender


class _Named(msgspec.Struct):
    uid: str


class _About(msgspec.Struct):
    """As much of a record of `alerts` as tells which alert it is about."""

    alert: _Named


_about: Final = msgspec.json.Decoder(_About)


@dataclass(slots=True)
class _Known:
    """What was read of the log so far. `ended` holds by place the last word about a subscription."""

    alerts: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    done: dict[str, Done] = field(default_factory=dict)
    ended: dict[tuple[str, str], Done | None] = field(default_factory=dict)
    after: dict[tuple[str, int], int] = field(default_factory=dict)


class ConsoleRecord:
    """Answers and records for the pages."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = _Known()
        self._active = Active(store)
        self._audience: tuple[str, Audience] = ("", Audience())
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Takes in what was appended since. Raises Unreachable."""
        store = self._store
        with self._lock:
            for partition in range(store.partitions):
                for record in self._new(ALERTS, partition):
                    self._note(record)
            # what holds everywhere stands in every partition, so one is read
            for record in self._new(EVENTS, 0):
                if record.id.partition("/")[0] in _EVERYWHERE:
                    with suppress(Rejected):
                        self._take(decode_event(record.body, record.position))
            digest = self._active.refresh().audience
            if digest and digest != self._audience[0]:
                self._audience = (digest, decode_audience(store.get(digest)))

    def reader(self, subscriber: str, via: str) -> Subscriber | None:
        """The subscriber as they are now; None when they, or this way to them, are no longer there."""
        self.refresh()
        found = (one for one in self._audience[1].subscribers if one.id == subscriber)
        return next((one for one in found if any(target.via == via for target in one.targets)), None)

    def knows(self, subscriber: str) -> bool:
        """Whether there is a subscriber of this name. `refresh` was asked by `reader` a moment before."""
        return any(one.id == subscriber for one in self._audience[1].subscribers)

    def alert(self, uid: str, reader: Subscriber, via: str) -> AlertView | None:
        """The alert as the reader may know it. `refresh` was asked by `reader` a moment before."""
        places = list(self._known.alerts.get(uid, ()))
        changes = [change for place in places if (change := self._change(*place)) is not None]
        if not changes:
            return None
        alert = changes[-1].alert
        tlp, ceilings = tlp_of(alert, self._audience[1].tlp), [reader.tlp]
        ceilings += [target.tlp for target in reader.targets if target.via == via]
        return AlertView(
            changes=tuple(changes),
            told=tuple(self._told(alert, reader.id)),
            country=country_name(alert.country, reader.language),
            hidden=any(above(tlp, ceiling) for ceiling in ceilings),
        )

    def done(self, type_: str, uid: str, alert: Alert | None) -> Done | None:
        """What was done under this id: for commands about an alert, if they changed it."""
        name = f"{type_}/{uid}"
        if type_ in _EVERYWHERE or alert is None:
            return self._known.done.get(name)
        for partition, sequence in reversed(self._known.alerts.get(alert.uid, ())):
            changed = self._change(partition, sequence)
            if changed is None or changed.reason != Reason.COMMAND:
                continue
            stream, number, place = changed.cause.split("/")
            for record in self._store.read(stream, int(number), int(place) - 1, 1):
                if record.id == name:
                    return _done(decode_event(record.body, record.position))
        return None

    def ended(self, subscriber: str, via: str) -> Done | None:
        """The end of a subscription that holds now."""
        return self._known.ended.get((subscriber, via))

    def append(self, command: Command, at: datetime) -> Done | None:
        """Records a command: about an alert in its country's partition, else in every one."""
        store, alert = self._store, command.alert
        name, partition = f"{command.type}/{command.id}", 0
        if alert is not None:
            new = append_command(store, command.type, alert, command.data, at, uid=command.id, source=SOURCE)
            partition = partition_of(alert.country, store.partitions)
        else:
            name = f"{name}/{partition}"
            new = append_everywhere(
                store, command.type, command.data, at, partitions=store.partitions, uid=command.id, source=SOURCE
            )
        if new:
            return None
        for record in backwards(store, EVENTS, partition):
            if record.id == name:
                return _done(decode_event(record.body, record.position))
        raise Missing(f"{name} was recorded before, and is not in the record")

    def _new(self, stream: str, partition: int) -> Iterator[Record]:
        after = self._known.after.get((stream, partition), 0)
        for record in read_range(self._store, stream, partition, after=after):
            yield record
            self._known.after[stream, partition] = record.sequence

    def _note(self, record: Record) -> None:
        # what was passed on (ticks, for the most part) is an envelope; a change begins with its own id
        if is_event(record.body):
            return
        with suppress(msgspec.DecodeError):  # what cannot be read must not keep the rest from being read
            uid = _about.decode(record.body).alert.uid
            self._known.alerts.setdefault(uid, []).append((record.partition, record.sequence))

    def _take(self, event: Event) -> None:
        done = _done(event)
        self._known.done.setdefault(event.id.rpartition("/")[0], done)
        if event.type != SILENCE:
            place = str(event.data.get("subscriber", "")), str(event.data.get("via", ""))
            self._known.ended[place] = done if event.type == UNSUBSCRIBE else None

    def _change(self, partition: int, sequence: int) -> AlertChanged | None:
        for record in self._store.read(ALERTS, partition, sequence - 1, 1):
            found = decode_alerts(record.body, record.position)
            return found if isinstance(found, AlertChanged) else None
        return None

    def _told(self, alert: Alert, subscriber: str) -> Iterator[Told]:
        """The messages about the alert to one subscriber, the oldest first, each with its latest state."""
        since = alert.raised_at - _SLACK
        latest: dict[str, Delivery] = {}
        for record in self._about(DELIVERIES, subscriber, alert.uid, since):
            step = decode_delivery(record.body)
            if step.subscriber == subscriber:
                latest.setdefault(step.notice, step)
        notices = []
        for record in self._about(NOTICES, subscriber, alert.uid, since):
            notice = decode_notices(record.body, record.position)
            if isinstance(notice, Notice) and notice.subscriber == subscriber and notice.id in latest:
                notices.append(notice)
        for notice in reversed(notices):
            if notice.decision == Decision.PLANNED:
                step = latest[notice.id]
                yield Told(change=notice.changed.change, via=notice.via, state=step.state, at=step.at)

    def _about(self, stream: str, key: str, uid: str, since: datetime) -> Iterator[Record]:
        """The records of a key's partition that name an alert, from the last back to about a time."""
        needle = uid.encode()
        for number, record in enumerate(backwards(self._store, stream, partition_of(key, self._store.partitions))):
            if needle in record.body:
                yield record
            elif number % _LOOK_EVERY == 0 and _time_of(stream, record) < since:
                return


def _time_of(stream: str, record: Record) -> datetime:
    if stream == DELIVERIES:
        return decode_delivery(record.body).at
    found = decode_notices(record.body, record.position)
    return found.time if isinstance(found, Event) else found.at


def _done(event: Event) -> Done:
    return Done(at=event.recorded, by=str(event.data.get("by", "")))
