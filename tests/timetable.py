"""A timetable of the notifier: given an audience and what happens to alerts, exactly these messages at these minutes.

Drives route and plan over a store in memory, on the record's own clock; nothing is sent. Times are written as the clock
on a wall in Lima shows them, unless another zone is asked for.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from almenara.adapters.memory import MemoryStore
from almenara.app.embedded import Embedded
from almenara.audit.explain import all_notices
from almenara.domain.alert import Alert, AlertChanged, Change, Evidence, Reason, State
from almenara.domain.audience import Audience, Inhibition, Subscriber, Target, Want
from almenara.domain.event import (
    AUDIENCE,
    RESUBSCRIBE,
    SILENCE,
    SILENCE_END,
    TICK,
    UNSUBSCRIBE,
    Event,
)
from almenara.domain.ids import cite
from almenara.domain.notice import Delivery, DigestNotice, Notice, OperatorNotice
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.route import RouteProcessor
from almenara.ports.log import ALERTS, DELIVERIES, Entry, read_range
from almenara.ports.queue import Send
from almenara.ports.unit import Batch, Lease
from almenara.ports.wire import decode_delivery, decode_send, encode, encode_event

LIMA = "America/Lima"
MAIL = Target(kind="mail", via="mail", address_hash="00")
DESK = Target(kind="slack", via="desk", address_hash="01")
EVERYTHING = (Want(),)


def person(name: str, **more: Any) -> Subscriber:
    """Somebody in Lima who wants everything by mail."""
    given: dict[str, Any] = {"wants": EVERYTHING, "targets": (MAIL,), "time_zone": LIMA, "language": "en", "tlp": "RED"}
    return Subscriber(id=name, **(given | more))


class Timetable(MemoryStore):
    """A store whose `alerts` are written by hand, and whose messages are kept in the order of their planning."""

    def __init__(self, *people: Subscriber, start: str = "2026-03-02 12:00", zone: str = LIMA, **audience: Any) -> None:
        """`start` is a Monday, unless another is given. `step` of minutes between ticks can be changed at any time."""
        super().__init__(1)
        self.zone = ZoneInfo(zone)
        self.step = timedelta(minutes=1)
        self.batch = 500
        self.sent: list[Send] = []
        self.alerts: dict[str, Alert] = {}
        self._count = 0
        self.clock = self._moment(start)
        self.people(*people, **audience)
        self._tick(self.clock)

    # --- what happens ---

    def until(self, when: str) -> "Timetable":
        """The clock moves on, tick by tick."""
        to = self._moment(when)
        assert to >= self.clock, f"{when} is over"
        while self.clock + self.step < to:
            self._tick(self.clock + self.step)
        if to > self.clock:
            self._tick(to)
        return self

    def raised(self, name: str, **more: Any) -> "Timetable":
        """A new alert. `tlp` is that of its event."""
        event = Evidence(
            id=f"e-{name}", position="events/0/1", type="designation.made", source="t", time=self.clock,
            recorded=self.clock, data={"tlp": more.pop("tlp")} if "tlp" in more else {},
        )  # fmt: skip
        given: dict[str, Any] = {
            "uid": name, "cite": cite(name), "rule": "r", "rule_version": 1, "level": "high", "country": "PER",
            "countries": {"key": ("PER",)}, "key": {}, "state": State.OPEN, "title": {"en": name, "es": name},
            "raised_at": self.clock, "updated_at": self.clock, "events": (event,),
        }  # fmt: skip
        self.alerts[name] = Alert(**(given | more))
        return self._change(name, Change.RAISED, Reason.DETECTED)

    def updated(self, name: str, reason: Reason = Reason.SOURCE_CORRECTED, **more: Any) -> "Timetable":
        """News of an alert; one that was closed is open again."""
        state = self.alerts[name].state
        more.setdefault("state", State.OPEN if state in (State.RESOLVED, State.RETRACTED) else state)
        return self._change(name, Change.UPDATED, reason, **more)

    def resolved(self, name: str) -> "Timetable":
        """It is over, and was true."""
        return self._change(name, Change.RESOLVED, Reason.REGISTERED_LATE, state=State.RESOLVED)

    def retracted(self, name: str, **more: Any) -> "Timetable":
        """It was wrong."""
        return self._change(name, Change.RETRACTED, Reason.LATE_READING, state=State.RETRACTED, **more)

    def acknowledged(self, name: str, by: str = "somebody") -> "Timetable":
        """Somebody has it in hand."""
        return self._change(name, Change.ACKNOWLEDGED, Reason.COMMAND, by, state=State.ACKNOWLEDGED)

    def judged(self, name: str, judgement: str = "true") -> "Timetable":
        """Somebody says whether it was right."""
        return self._change(name, Change.JUDGED, Reason.COMMAND, "somebody", judgement=judgement)

    def assigned(self, name: str, to: str) -> "Timetable":
        """Somebody gave it to a subscriber."""
        return self._change(name, Change.ASSIGNED, Reason.COMMAND, "somebody", assignee=to)

    def people(self, *people: Subscriber, inhibitions: Iterable[Inhibition] = (), operator: str = "") -> "Timetable":
        """Another audience."""
        subscribers = tuple(sorted(people, key=lambda one: one.id))
        body = encode(Audience(subscribers=subscribers, inhibitions=tuple(inhibitions), operator=operator))
        return self._event(AUDIENCE, hash=self.put(body))

    def silence(self, name: str, until: str, by: str = "nobody", **more: Any) -> "Timetable":
        """Somebody silences what the matcher says."""
        start = {"start": self._moment(more.pop("start")).isoformat()} if "start" in more else {}
        return self._event(
            SILENCE, silence=name, until=self._moment(until).isoformat(), by=by, reason="why", **start, **more
        )

    def silence_ended(self, name: str) -> "Timetable":
        """Somebody ends it before its time."""
        return self._event(SILENCE_END, silence=name)

    def unsubscribed(self, name: str, via: str = "mail") -> "Timetable":
        """They want no more messages that way."""
        return self._event(UNSUBSCRIBE, subscriber=name, via=via)

    def resubscribed(self, name: str, via: str = "mail") -> "Timetable":
        """They want them again."""
        return self._event(RESUBSCRIBE, subscriber=name, via=via)

    # --- what came of it ---

    def messages(self) -> list[str]:
        """`03-02 12:00 ana mail raised a` for each message, in order of time."""
        self._pump()
        return [self._line(send) for send in sorted(self.sent, key=lambda one: (one.due, one.rank, one.id))]

    def items(self) -> list[Notice | DigestNotice | OperatorNotice]:
        """What was planned, whole."""
        self._pump()
        return [
            one
            for send in self.sent
            if isinstance(one := decode_send(send.body), Notice | DigestNotice | OperatorNotice)
        ]

    def reasons(self, who: str = "ana") -> list[str]:
        """`raised a silenced s1` for each decision not to tell somebody."""
        self._pump()
        found = [one for one in all_notices(self) if one.subscriber == who and one.reason is not None]
        return [f"{one.changed.change} {one.changed.alert.uid} {one.reason} {one.ref}".rstrip() for one in found]

    def steps(self) -> list[str]:
        """`held quiet_hours 03-03 06:30 raised a`, `dropped ...` for each step of the plan."""
        self._pump()
        known = {one.delivery: one for one in all_notices(self) if one.delivery}
        found = [decode_delivery(record.body) for record in read_range(self, DELIVERIES, 0)]
        return [self._step(one, known[one.delivery]) for one in found]

    # --- how it is done ---

    def commit(self, lease: Lease, batch: Batch) -> Lease:
        self.sent += batch.sends
        return super().commit(lease, batch)

    def _pump(self) -> None:
        # a new set of workers each time: what was told, and what waits, is known after a restart
        Embedded(self, [RouteProcessor(self), PlanProcessor(self, 1)], snapshot_every=7, batch=self.batch).pump()

    def _change(self, name: str, change: Change, reason: Reason, by: str = "", **alert: Any) -> "Timetable":
        self._count += 1
        joined = alert.pop("joined", ())
        self.alerts[name] = replace(self.alerts[name], updated_at=self.clock, **alert)
        changed = AlertChanged(
            id=f"{self._count}", change=change, reason=reason, at=self.clock, cause="events/0/1", by=by,
            alert=self.alerts[name], joined=joined,
        )  # fmt: skip
        self.append([Entry(ALERTS, "PER", changed.id, encode(changed), 0)])
        return self

    def _event(self, type_: str, **data: Any) -> "Timetable":
        self._count += 1
        event = Event(
            id=f"{type_}/{self._count}", source="t", type=type_, time=self.clock, recorded=self.clock, country="ZZZ",
            data=data,
        )  # fmt: skip
        self.append([Entry(ALERTS, "", event.id, encode_event(event), 0)])
        return self

    def _tick(self, to: datetime) -> None:
        self.clock = to
        self._event(TICK)

    def _moment(self, text: str) -> datetime:
        """`2026-03-02 12:00`; a day may be left out, and then it is that of the clock. `+1`: the second time."""
        text, _, fold = text.partition(" +")
        if len(text) == len("12:00"):
            text = f"{self.clock.astimezone(self.zone):%Y-%m-%d} {text}"
        return datetime.fromisoformat(text).replace(tzinfo=self.zone, fold=int(fold or 0)).astimezone(UTC)

    def _line(self, send: Send) -> str:
        item = decode_send(send.body)
        when = f"{send.due.astimezone(self.zone):%m-%d %H:%M}"
        if isinstance(item, DigestNotice):
            told = ", ".join(f"{one.changed.change} {one.changed.alert.uid}" for one in item.notices) or "nothing"
            return f"{when} {item.subscriber} {item.via} {item.why}: {told}" + (f" +{item.more}" if item.more else "")
        if isinstance(item, Notice):
            update = "" if item.thread == item.delivery else " (update)"
            why = f" {item.why}" if item.why not in ("wanted", "follows") else ""
            behalf = f" for {item.on_behalf}" if item.on_behalf else ""
            told = f"{item.changed.change} {item.changed.alert.uid}{why}{behalf}{update}"
            return f"{when} {item.subscriber} {item.via} {told}"
        return f"{when} {item.subscriber} {item.via} {item.about}"

    def _step(self, step: Delivery, notice: Notice) -> str:
        when = f" {step.again_at.astimezone(self.zone):%m-%d %H:%M}" if step.again_at else ""
        detail = f" {step.detail}" if step.detail else ""
        return f"{step.state}{detail}{when} {notice.subscriber} {notice.changed.change} {notice.changed.alert.uid}"
