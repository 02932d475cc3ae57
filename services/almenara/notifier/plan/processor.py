"""Plan: the records of `notices` in, what is due out (the send queue). A pure fold, with no way to send.

It decides when and in which message something is told: at once, after quiet hours, in a digest, with what else waited.
What it does not send at once it records in `deliveries`: held until when and why, joined to which message, or dropped.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from almenara.domain.audience import Audience
from almenara.domain.event import AUDIENCE, BEACON, RESUBSCRIBE, TICK, UNSUBSCRIBE, Event, beacon_id
from almenara.domain.ids import content_id
from almenara.domain.notice import HEARTBEAT, Beacon, Notice, OperatorNotice, place_of
from almenara.notifier.hours import last_digest, next_digest
from almenara.notifier.plan.planning import Planning, ways_of
from almenara.notifier.plan.state import EPOCH, PlanState
from almenara.notifier.words.vocabulary import zone_of
from almenara.ports.log import EVENTS, NOTICES, Entry, Record, partition_of
from almenara.ports.processor import Fold, History, Outputs
from almenara.ports.queue import Send
from almenara.ports.state import BlobStore
from almenara.ports.wire import decode_audience, decode_notices, encode, encode_event

CONSUMER: Final = "plan"


class PlanProcessor:
    """Opens the folds of the plan. Audiences come by hash from the blob store."""

    consumer = CONSUMER
    stream = NOTICES
    version = "plan/3"

    def __init__(self, blobs: BlobStore, partitions: int) -> None:
        self._blobs = blobs
        self._partitions = partitions

    def open(self, partition: int, state: bytes | None, history: History) -> Fold:
        """A fold from the start, or from a snapshot."""
        held = msgspec.msgpack.decode(state, type=PlanState) if state else PlanState()
        return PlanFold(held, self._blobs, partition, self._partitions)


class PlanFold:
    """The fold over one partition of `notices`."""

    def __init__(self, state: PlanState, blobs: BlobStore, partition: int, partitions: int) -> None:
        self._state = state
        self._blobs = blobs
        self._partition = partition
        self._partitions = partitions
        self._ways = ways_of(state.audience)
        self._next = self._earliest()

    def apply(self, record: Record) -> Outputs:
        """Takes one record of `notices`. Raises Rejected for one that cannot be read."""
        found = decode_notices(record.body, record.position)
        planning = Planning(self._state, self._ways, record.sequence)
        if isinstance(found, OperatorNotice):
            planning.send(found.delivery, f"operator/{found.delivery}", found.via, found.at, encode(found))
        elif isinstance(found, Notice):
            self._advance(planning, found.at)
            planning.take(found)
        elif found.type == BEACON:
            return self._passed_on(found, record)
        elif found.type == AUDIENCE:
            audience = decode_audience(self._blobs.get(str(found.data.get("hash", ""))))
            return self._adopt(planning, audience)
        elif found.type in (UNSUBSCRIBE, RESUBSCRIBE):
            self._subscription(planning, found)
        elif found.type == TICK:
            self._advance(planning, found.time)
        if planning.soonest is not None:
            self._next = min(planning.soonest, self._next or planning.soonest)
        return planning.outputs

    def snapshot(self) -> bytes:
        """The state as bytes."""
        return msgspec.msgpack.encode(self._state)

    def _advance(self, planning: Planning, to: datetime) -> None:
        """Moves the clock, never backwards, and sends what falls due on the way, in the order in which it does."""
        state = self._state
        if state.clock == EPOCH and to > EPOCH:
            state.clock = to
            self._schedule()
            self._next = self._earliest()
        while self._next is not None and self._next <= to:
            at, place, is_digest = min(self._dues(), default=(None, "", False))
            if at is None or at > to:  # what was to end then has been sent in the meantime
                self._next = at
                break
            state.clock = max(state.clock, at)
            if is_digest:
                self._digest(planning, place, to)
            else:
                planning.release(place)
            self._next = self._earliest()
        state.clock = max(state.clock, to)

    def _digest(self, planning: Planning, place: str, to: datetime) -> None:
        """The digest of a place: of several times that a leap of the clock passed over, the last."""
        state, held = self._state, self._state.places[place]
        who, target = self._ways[place]
        if who.digest is None or held.digest_at is None:  # not for a place that waits for its digest
            raise ValueError(f"{place} has no digest")
        zone = zone_of(who.time_zone)
        at = last_digest(who.digest, zone, held.digest_at, to)
        state.clock = max(state.clock, at)
        held.digest_at = next_digest(who.digest, zone, at)
        planning.digest(place, (who, target), at, even_empty=who.digest.when_empty)

    def _subscription(self, planning: Planning, event: Event) -> None:
        """Somebody ended or resumed what they are sent by one channel; it stands in every partition, they in one."""
        who, via = str(event.data.get("subscriber")), str(event.data.get("via"))
        if partition_of(who, self._partitions) == self._partition:
            planning.subscription(place_of(who, via), ended=event.recorded if event.type == UNSUBSCRIBE else None)
            self._next = self._earliest()

    def _adopt(self, planning: Planning, audience: Audience) -> Outputs:
        """Another audience: what waits is planned again."""
        self._state.audience = audience
        self._ways = ways_of(audience)
        self._schedule()
        planning.adopt(self._ways)
        self._next = self._earliest()
        return planning.outputs

    def _schedule(self) -> None:
        """The next digest of everyone whose notices lie in this partition."""
        state = self._state
        for held in state.places.values():
            held.digest_at = None
        if state.clock == EPOCH:
            return
        for who in state.audience.subscribers:
            if who.digest is None or partition_of(who.id, self._partitions) != self._partition:
                continue
            for target in who.targets:
                held = state.place(place_of(who.id, target.via))
                held.digest_at = next_digest(who.digest, zone_of(who.time_zone), state.clock)

    def _dues(self) -> Iterator[tuple[datetime, str, bool]]:
        for place, held in self._state.places.items():
            if held.digest_at is not None:
                yield held.digest_at, place, True
            untils = [waiting.until for waiting in held.waiting.values() if waiting.until is not None]
            if untils:
                yield min(untils), place, False

    def _earliest(self) -> datetime | None:
        return min((at for at, _, _ in self._dues()), default=None)

    def _passed_on(self, event: Event, record: Record) -> Outputs:
        """The beacon lights the one of the next partition; at the last one it is told outside."""
        after = self._partition + 1
        slot = event.time
        if after < self._partitions:
            lit = Event(
                id=beacon_id(slot, after), source=event.source, type=BEACON, time=slot, recorded=event.recorded,
                country=event.country, data=event.data,
            )  # fmt: skip
            return Outputs([Entry(EVENTS, "", lit.id, encode_event(lit), after)])
        delivery = content_id(BEACON, slot)
        beacon = Beacon(delivery=delivery, slot=slot, at=max(slot, self._state.clock))
        rank = f"{record.sequence:016d}"
        return Outputs(sends=[Send(delivery, f"beacon/{delivery}", rank, beacon.at, encode(beacon), HEARTBEAT)])
