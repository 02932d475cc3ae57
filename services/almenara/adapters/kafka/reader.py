"""Reads the log from Kafka: each record once, in order of sequence, or a Gap.

Where a sequence stands: every earlier sequence has taken at least one offset, so record n is never before offset n-1.
Reading from there is never too late, and what comes again (a relay published it twice) is dropped. Takes no part in
any group. Knows nothing of positions in a database.
"""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from kafka.errors import KafkaError

from almenara.adapters.kafka.topics import PREFIX, topic_of
from almenara.adapters.kafka.wire import record_of
from almenara.domain.errors import Gap, Rejected, Unreachable
from almenara.ports.log import EVENTS, Record
from kafka import KafkaConsumer, TopicPartition

POLL_RECORDS: Final = 1_000
TAIL: Final = 10_000
"""How many of the last messages `end` looks at. Repeats come in runs of at most one relay's run (500), so the largest
sequence lies among them unless twenty relays repeated themselves at once."""

_SILENCE_S: Final = 15.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Cursor:
    """Where reading stands: all messages before `offset` are known, the largest sequence among them is `sequence`."""

    offset: int = 0
    sequence: int = 0
    ready: deque[Record] = field(default_factory=deque)
    gap: str = ""


class KafkaLogReader:
    """A LogReader over the topics. Safe to share between threads; fast when read in sequence."""

    def __init__(self, bootstrap: str, *, prefix: str = PREFIX) -> None:
        self._prefix = prefix
        self._lock = threading.Lock()
        self._cursors: dict[TopicPartition, _Cursor] = {}
        self._ends: dict[TopicPartition, _Cursor] = {}
        self._assigned: TopicPartition | None = None
        try:
            self._consumer = KafkaConsumer(
                bootstrap_servers=bootstrap,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=POLL_RECORDS,
                max_partition_fetch_bytes=4_194_304,
                bootstrap_timeout_ms=15_000,
            )
        except KafkaError as error:
            raise Unreachable(f"Kafka at {bootstrap} cannot be reached: {error}") from error

    @property
    def partitions(self) -> int:
        """How many partitions the topic of `events` has."""
        with self._lock:
            try:
                found = self._consumer.partitions_for_topic(topic_of(EVENTS, self._prefix))
            except KafkaError as error:
                raise Unreachable(f"the topics cannot be read: {error}") from error
        return len(found or ())

    def read(self, stream: str, partition: int, after: int, limit: int = 1000) -> list[Record]:
        """Records with a sequence greater than `after`, in order. Raises Gap when one is missing, Unreachable."""
        place = TopicPartition(topic_of(stream, self._prefix), partition)
        with self._lock:
            cursor = self._cursor(place, after)
            found: list[Record] = []
            end = -1
            while len(found) < limit:
                while cursor.ready and len(found) < limit:
                    record = cursor.ready.popleft()
                    if record.sequence > after:
                        found.append(record)
                if len(found) == limit or cursor.gap:
                    break
                if end < 0:
                    end = self._end_offset(place)
                if cursor.offset >= end:
                    break
                self._fill(stream, place, cursor)
            if cursor.gap and not found:
                del self._cursors[place]
                raise Gap(cursor.gap)
            return found

    def end(self, stream: str, partition: int) -> int:
        """The last sequence there is (see TAIL); 0 for an empty partition. Raises Unreachable."""
        place = TopicPartition(topic_of(stream, self._prefix), partition)
        with self._lock:
            end = self._end_offset(place)
            seen = self._ends.setdefault(place, _Cursor())
            if seen.offset < end:
                start = max(seen.offset, end - TAIL)
                self._seek(place, start)
                at = start
                while at < end:
                    for message in self._poll(place):
                        at = message.offset + 1
                        seen.sequence = max(seen.sequence, _sequence_of(stream, message))
                seen.offset = at
                self._cursors.pop(place, None)  # the consumer stands elsewhere now
            return seen.sequence

    def close(self) -> None:
        """Lets go of the connection."""
        with self._lock:
            self._consumer.close()

    def _cursor(self, place: TopicPartition, after: int) -> _Cursor:
        """A cursor from which everything after `after` is still to come, with the consumer standing there."""
        cursor = self._cursors.get(place)
        if cursor is not None and self._assigned == place:
            first = cursor.ready[0].sequence if cursor.ready else cursor.sequence + 1
            if first <= after + 1 and after <= cursor.sequence:
                return cursor
        if cursor is None or cursor.sequence > after:
            cursor = _Cursor()
        # Everything before `cursor.offset` is at most `cursor.sequence`: the next ones take an offset each.
        cursor.offset += max(0, after - cursor.sequence)
        cursor.sequence = after
        cursor.ready.clear()
        self._seek(place, cursor.offset)
        self._cursors[place] = cursor
        return cursor

    def _fill(self, stream: str, place: TopicPartition, cursor: _Cursor) -> None:
        for message in self._poll(place):
            cursor.offset = message.offset + 1
            try:
                record = record_of(stream, message)
            except Rejected as error:
                log.error("passing over a stranger: %s", error)
                continue
            if record.sequence <= cursor.sequence:
                continue
            if record.sequence != cursor.sequence + 1:
                # What came before it is still good: it is given first, the gap is raised by the next reading.
                missing = cursor.sequence + 1
                cursor.gap = (
                    f"{record.position} follows sequence {cursor.sequence}; {missing} is missing in {place.topic}"
                )
                return
            cursor.sequence = record.sequence
            cursor.ready.append(record)

    def _poll(self, place: TopicPartition) -> list[Any]:
        silent = time.monotonic() + _SILENCE_S
        while time.monotonic() < silent:
            try:
                found: list[Any] = self._consumer.poll(timeout_ms=500).get(place, [])
            except KafkaError as error:
                raise Unreachable(f"{place.topic} cannot be read: {error}") from error
            if found:
                return found
        raise Unreachable(f"{place.topic}/{place.partition} gave nothing for {_SILENCE_S:.0f} s before its end")

    def _seek(self, place: TopicPartition, offset: int) -> None:
        if self._assigned != place:
            self._consumer.assign([place])
            self._assigned = place
        self._consumer.seek(place, offset)

    def _end_offset(self, place: TopicPartition) -> int:
        try:
            return int(self._consumer.end_offsets([place])[place])
        except KafkaError as error:
            raise Unreachable(f"the end of {place.topic} cannot be read: {error}") from error


def _sequence_of(stream: str, message: Any) -> int:
    try:
        return record_of(stream, message).sequence
    except Rejected:
        return 0
