"""What one record of `notices` leads to: messages sent, held, joined and dropped, gathered as outputs. Pure.

Works on the plan's state; knows nothing of streams but how its outputs are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from almenara.domain.alert import ENDS, NEWS, OVER, Change
from almenara.domain.audience import Audience
from almenara.domain.ids import content_id
from almenara.domain.notice import Decision, Delivery, DeliveryState, Dropped, Held, Notice, NotSent, place_of
from almenara.notifier.plan.gathering import Way, digest_of, one_of
from almenara.notifier.plan.holding import Hold, hold_of, recent, waits_for_nothing
from almenara.notifier.plan.state import Place, PlanState, Waiting, follows
from almenara.ports.log import DELIVERIES, Entry
from almenara.ports.processor import Outputs
from almenara.ports.queue import Send
from almenara.ports.wire import encode

GROUP_FROM: Final = 4
"""So many alerts that waited for the end of quiet hours are told in one message."""

SILENT: Final = "source_silent"
"""The tag of alerts that say that a source cannot be read."""

_COUNTED: Final = (NotSent.SILENCED, NotSent.INHIBITED, NotSent.CONFIDENTIAL)


class Planning:
    """Gathers the outputs of one record. `soonest` is the earliest end of what began to wait."""

    def __init__(self, state: PlanState, ways: Mapping[str, Way], sequence: int) -> None:
        self._state = state
        self._ways = ways
        self._sequence = sequence
        self.outputs = Outputs()
        self.soonest: datetime | None = None

    def take(self, notice: Notice) -> None:
        """One decision, at the time of the clock."""
        state, alert = self._state, notice.changed.alert
        _note_silence(state, notice)
        planned, counted = notice.decision == Decision.PLANNED, notice.reason in _COUNTED
        if not planned and not counted:
            return
        place = state.place(place_of(notice.subscriber, notice.via))
        if not planned:
            if notice.changed.change in NEWS:
                place.held_back[str(notice.reason)] = place.held_back.get(str(notice.reason), 0) + 1
            return
        if place.ended is not None and notice.at <= place.ended:
            # planned by a partition that had not come to the end of the subscription
            self._drop(place, [notice], Dropped.UNSUBSCRIBED)
            return
        if notice.changed.change == Change.RETRACTED and not _heard(place, alert.uid):
            waiting = place.waiting.pop(alert.uid, None)
            self._drop(place, [*(waiting.notices if waiting else ()), notice], Dropped.RETRACTED_UNTOLD)
            return
        hold = self._hold(place, notice)
        waiting = place.waiting.pop(alert.uid, None)
        if waiting is not None and hold is None and waiting.why == Held.RATE_LIMIT and not self._at_once(notice):
            hold = Hold(waiting.why)  # what is beyond the limit is in the digest, and so is the rest of its story
        if waiting is not None and hold is not None and hold.why == waiting.why:
            hold = Hold(waiting.why, waiting.until)
        notices = [*waiting.notices, notice] if waiting else [notice]
        if hold is None:
            self._send(place, notices)
        else:
            self._wait(place, notices, hold)

    def release(self, name: str) -> None:
        """What waited at a place until now is sent, or waits on for another reason."""
        place, now = self._state.places[name], self._state.clock
        due = [uid for uid, one in place.waiting.items() if one.until is not None and one.until <= now]
        ready: list[Waiting] = []
        for uid in due:
            waiting = place.waiting.pop(uid)
            hold = self._hold(place, waiting.latest)
            if hold is None:
                ready.append(waiting)
            else:
                self._wait(place, waiting.notices, hold)
        way = self._ways.get(name)
        night = [waiting for waiting in ready if waiting.why == Held.QUIET_HOURS]
        if way is not None and len(night) >= GROUP_FROM:
            self._gathered(place, way, night, now, why=Held.QUIET_HOURS)
            ready = [waiting for waiting in ready if waiting.why != Held.QUIET_HOURS]
        for waiting in ready:
            self._send(place, waiting.notices, at=waiting.until)

    def digest(self, name: str, way: Way, at: datetime, *, even_empty: bool) -> None:
        """The digest of a place: everything that waits for it."""
        place = self._state.places[name]
        due = [uid for uid, one in place.waiting.items() if one.until is None]
        waiting = [place.waiting.pop(uid) for uid in due]
        if waiting or (even_empty and place.ended is None):
            self._gathered(place, way, waiting, at, why=Held.DIGEST)
        place.since, place.closed, place.held_back = at, 0, {}

    def subscription(self, name: str, *, ended: datetime | None) -> None:
        """A subscription is ended: what waits is dropped, and no empty digest is told; or it is resumed."""
        place = self._state.place(name)
        place.ended = ended
        if ended is None:
            return
        waiting, place.waiting = place.waiting, {}
        for one in waiting.values():
            self._drop(place, one.notices, Dropped.UNSUBSCRIBED)

    def adopt(self, ways: Mapping[str, Way]) -> None:
        """Plans again what waits, because the audience is another one: by its hours, to its addresses.

        Who left is not told.
        """
        self._ways = ways
        for name, place in list(self._state.places.items()):
            waiting, place.waiting = place.waiting, {}
            if name not in self._ways:
                del self._state.places[name]
                if place.ended is not None:  # and so it stays if they come back
                    self._state.places[name] = Place(since=self._state.clock, ended=place.ended)
            for one in waiting.values():
                way = self._ways.get(name)
                if way is None:
                    self._drop(place, one.notices, Dropped.LEFT)
                    continue
                notices = [replace(notice, address_hash=way[1].address_hash) for notice in one.notices]
                hold = self._hold(place, one.latest)
                if hold is None:
                    self._send(place, notices)
                else:
                    self._wait(place, notices, hold)

    def send(self, delivery: str, thread: str, via: str, due: datetime, body: bytes) -> None:
        """Queues one message; those of one record keep their order."""
        # Sequences are the order in which the record tells it; a later change must never overtake an earlier one.
        rank = f"{self._sequence:016d}.{len(self.outputs.sends):06d}"
        self.outputs.sends.append(Send(delivery, thread, rank, due, body, via))

    def _hold(self, place: Place, notice: Notice) -> Hold | None:
        # Whoever is not in the audience yet (it comes with another partition's records) has no hours that are known.
        way = self._ways.get(place_of(notice.subscriber, notice.via))
        return hold_of(way[0], place, notice, self._state.clock) if way is not None else None

    def _at_once(self, notice: Notice) -> bool:
        way = self._ways.get(place_of(notice.subscriber, notice.via))
        return way is None or waits_for_nothing(way[0], notice)

    def _drop(self, place: Place, notices: Sequence[Notice], why: Dropped) -> None:
        """What is planned about one alert is not told after all."""
        uid = notices[0].changed.alert.uid
        if uid not in place.first and not follows(notices[0]):
            place.untold[uid] = None
        for one in notices:
            self._step(one, DeliveryState.DROPPED, why)

    def _wait(self, place: Place, notices: list[Notice], hold: Hold) -> None:
        """What waits together about one alert; that the newest of it waits is recorded."""
        latest = notices[-1]
        place.waiting[latest.changed.alert.uid] = Waiting(notices, hold.why, hold.until)
        self._step(latest, DeliveryState.HELD, hold.why, again_at=hold.until or place.digest_at)
        if hold.until is not None:
            self.soonest = min(hold.until, self.soonest or hold.until)

    def _send(self, place: Place, notices: Sequence[Notice], *, at: datetime | None = None) -> None:
        """One message for all that waited about one alert (until `at`); the others are joined to it."""
        now, uid = self._state.clock, notices[-1].changed.alert.uid
        chosen = one_of(notices, told=uid in place.first)
        own = chosen.changed.change == Change.RAISED or chosen.thread in {one.delivery for one in notices}
        thread = place.first.get(uid) or (chosen.delivery if own else chosen.thread)
        message = replace(chosen, thread=thread, due=max(now, chosen.at))
        key = f"{chosen.subscriber}/{chosen.via}/{uid}"
        self.send(chosen.delivery, key, chosen.via, message.due, encode(message))
        for one in notices:
            if one.id != chosen.id:
                self._step(one, DeliveryState.JOINED, receipt=chosen.delivery)
        place.recent = [*recent(place, now), now]
        _told(place, chosen, thread, at or notices[-1].at)

    def _gathered(self, place: Place, way: Way, waiting: Sequence[Waiting], at: datetime, *, why: Held) -> None:
        """One message for all alerts that waited."""
        chosen = [one_of(one.notices, told=one.latest.changed.alert.uid in place.first) for one in waiting]
        delivery = content_id(str(why), way[0].id, way[1].via, at)
        for one in chosen:
            _told(place, one, delivery, at)
        spoken = place
        if why == Held.QUIET_HOURS:  # it speaks of this night alone; a digest counts from one to the next
            closed = sum(_closes(one) for one in chosen)
            since = min(one.notices[0].at for one in waiting)
            spoken = Place(first=place.first, since=since, closed=closed)
        silent = self._state.silent.values()
        found = digest_of(way, spoken, chosen, at, why=why, silent=silent)
        self.send(found.delivery, f"{found.subscriber}/{found.via}/digest", found.via, at, encode(found))
        for each in waiting:
            for notice in each.notices:
                self._step(notice, DeliveryState.JOINED, receipt=found.delivery)

    def _step(
        self,
        notice: Notice,
        state: DeliveryState,
        detail: Held | Dropped | None = None,
        *,
        again_at: datetime | None = None,
        receipt: str = "",
    ) -> None:
        step = Delivery(
            id=content_id(notice.delivery, str(state), str(detail or ""), again_at, receipt),
            delivery=notice.delivery,
            notice=notice.id,
            alert=notice.changed.alert.uid,
            subscriber=notice.subscriber,
            channel=notice.via,
            state=state,
            attempt=0,
            at=self._state.clock,
            detail=str(detail or ""),
            receipt=receipt,
            again_at=again_at,
        )
        self.outputs.entries.append(Entry(DELIVERIES, notice.subscriber, step.id, encode(step)))


def ways_of(audience: Audience) -> dict[str, Way]:
    """Every way to every subscriber, by place."""
    return {place_of(who.id, target.via): (who, target) for who in audience.subscribers for target in who.targets}


def _told(place: Place, notice: Notice, delivery: str, at: datetime) -> None:
    uid = notice.changed.alert.uid
    place.untold.pop(uid, None)
    if notice.changed.alert.state in OVER:  # also one that is judged when it is over
        place.first.pop(uid, None)
        place.last.pop(uid, None)
        place.closed += _closes(notice)
    else:
        place.first.setdefault(uid, delivery)
        place.last[uid] = at


def _closes(notice: Notice) -> bool:
    return notice.changed.change in ENDS and notice.changed.alert.state in OVER


def _heard(place: Place, uid: str) -> bool:
    """Whether whoever is told at this place has heard of the alert, in this life of it or an earlier one."""
    if uid in place.first:
        return True
    waiting = place.waiting.get(uid)
    return uid not in place.untold and (waiting is None or follows(waiting.notices[0]))


def _note_silence(state: PlanState, notice: Notice) -> None:
    """Which sources cannot be read: told to everyone in the digest, whatever their filters are."""
    alert = notice.changed.alert
    if SILENT not in alert.tags or alert.shadow:
        return
    if alert.state in OVER:
        state.silent.pop(alert.uid, None)
    else:
        state.silent[alert.uid] = (str(alert.key.get("source.id", alert.country)), alert.raised_at)
