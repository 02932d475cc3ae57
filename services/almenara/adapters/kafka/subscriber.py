"""A stream's subscriber on FastStream: raw batches in, each partition's records to its taker, in a thread.

FastStream and aiokafka swallow what a handler or an assignment hook raises; so nothing is raised to them: `Holdings`
answers for every trouble, and what cannot be borne fails `failed`, for which the process waits.
Knows nothing of SQL or of what is done with a record.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from almenara.adapters.kafka.holding import Claim, Holdings, Patience, Reject
from almenara.adapters.kafka.topics import MAX_MESSAGE_BYTES, PREFIX, topic_of
from almenara.domain.errors import Unreachable

OFFSETS_EVERY_S: Final = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Consuming:
    """How a group reads. A batch must take far less than the session's time, or another worker takes over."""

    prefix: str = PREFIX
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 2_000
    max_records: int = 500
    batch_timeout_ms: int = 20
    stop_s: float = 20.0
    patience: Patience = field(default_factory=Patience)


class Subscriber:
    """Reads one stream as a member of `group`. `failed` is done when the process must end.

    `claim` and `reject` are called in a thread, `taken` on the event loop after each batch that was taken.
    """

    def __init__(
        self,
        bootstrap: str,
        stream: str,
        group: str,
        *,
        claim: Claim,
        reject: Reject,
        taken: Callable[[], None] = lambda: None,
        how: Consuming | None = None,
    ) -> None:
        how = how or Consuming()
        topic = topic_of(stream, how.prefix)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.holdings = Holdings(
            stream, topic, claim=claim, reject=reject, taken=taken, patience=how.patience, failed=self.failed
        )
        self._bootstrap = bootstrap
        self._committed: dict[TopicPartition, int] = {}
        self._committing: asyncio.Task[None] | None = None
        self._broker = KafkaBroker(
            bootstrap,
            client_id="almenara",
            consumer_only=True,
            logger=None,
            apply_types=False,
            serializer=None,
            graceful_timeout=how.stop_s,
        )
        self._subscriber = self._broker.subscriber(
            topic,
            batch=True,
            group_id=group,
            listener=_Listener(self),
            max_records=how.max_records,
            batch_timeout_ms=how.batch_timeout_ms,
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=MAX_MESSAGE_BYTES // 4,
            auto_offset_reset="earliest",
            session_timeout_ms=how.session_timeout_ms,
            heartbeat_interval_ms=how.heartbeat_interval_ms,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            parser=_raw,
            decoder=_undecoded,
        )
        self._subscriber(self._handle)

    async def start(self) -> None:
        """Joins the group. Raises Unreachable when the broker cannot be reached."""
        try:
            await self._broker.start()
        except (KafkaError, OSError) as error:
            raise Unreachable(f"Kafka at {self._bootstrap} cannot be reached: {error}") from error
        self._committing = asyncio.create_task(self._commit_now_and_then())

    async def stop(self) -> None:
        """Stops fetching, finishes the batch in hand, publishes the offsets and leaves the group."""
        self._subscriber.running = False
        if self._committing is not None:
            self._committing.cancel()
        await self.holdings.revoked_after(self.commit_offsets)
        await self._broker.stop()
        self.holdings.close()

    @property
    def consumer(self) -> AIOKafkaConsumer:
        """The consumer under FastStream's subscriber; it is there once the subscriber was started."""
        consumer = self._subscriber.consumer
        if consumer is None:
            raise Unreachable("the subscriber was not started")
        return consumer

    async def commit_offsets(self) -> None:
        """Publishes how far this group is, for displays of lag; the position in the database is what counts."""
        changed = {p: o for p, o in self.holdings.offsets.items() if self._committed.get(p) != o}
        if not changed:
            return
        with suppress(KafkaError, TimeoutError, asyncio.TimeoutError, Unreachable):
            marks = {place: OffsetAndMetadata(offset, "") for place, offset in changed.items()}
            await asyncio.wait_for(self.consumer.commit(marks), 2.0)
            self._committed.update(changed)

    async def _handle(self, messages: Any) -> None:
        for partition, run in groupby(messages, key=attrgetter("partition")):
            await self.holdings.take(self.consumer, partition, list(run))

    async def _commit_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(OFFSETS_EVERY_S)
            await self.commit_offsets()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hands assignments on; must not raise, as aiokafka would swallow it."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        del revoked  # the assignor is eager: all of them
        await self._subscriber.holdings.revoked_after(self._subscriber.commit_offsets)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        partitions = sorted(place.partition for place in assigned)
        log.info("assigned: %s", partitions)
        self._subscriber.holdings.assigned(self._subscriber.consumer, partitions)


async def _raw(messages: Any) -> KafkaMessage:
    """A batch as it came: no header is decoded, as one bad one would lose the whole batch."""
    return KafkaMessage(raw_message=messages, body=b"", consumer=FAKE_CONSUMER)


async def _undecoded(message: Any) -> Any:
    return message.raw_message
