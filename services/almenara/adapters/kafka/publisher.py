"""Publishes records to Kafka in order of sequence, each batch whole and acknowledged before the next of its partition.

One batch of a partition in flight at a time, never two: when a batch fails, no later one can have got through, so the
topic never shows a record before the one it follows. Knows nothing of where records come from.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from almenara.adapters.kafka.topics import MAX_MESSAGE_BYTES, PREFIX, topic_of
from almenara.adapters.kafka.wire import headers_of
from almenara.domain.errors import Unreachable
from almenara.ports.log import Record

BATCH_BYTES: Final = 524_288
_STOP_S: Final = 5.0

log = logging.getLogger(__name__)


class KafkaPublisher:
    """An idempotent producer with acks=all. `request_timeout_s` bounds how long one batch is tried."""

    def __init__(self, bootstrap: str, *, prefix: str = PREFIX, request_timeout_s: float = 20.0) -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._timeout_ms = int(request_timeout_s * 1000)
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def publish(self, records: Sequence[Record]) -> None:
        """Publishes records of one or more partitions, those of each in the order given; returns when all are kept.

        Raises Unreachable when any partition failed; then some records may have been published, all in order.
        """
        parts: dict[tuple[str, int], list[Record]] = {}
        for place, run in groupby(records, key=lambda record: (record.stream, record.partition)):
            parts.setdefault(place, []).extend(run)
        outcomes = await asyncio.gather(
            *(self._publish(*place, run) for place, run in parts.items()), return_exceptions=True
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def stop(self) -> None:
        """Lets go of the connections."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, TimeoutError, asyncio.TimeoutError):
                await asyncio.wait_for(producer.stop(), _STOP_S)

    async def _publish(self, stream: str, partition: int, records: Sequence[Record]) -> None:
        topic = topic_of(stream, self._prefix)
        producer = await self._started()
        at = 0
        try:
            while at < len(records):
                batch = producer.create_batch()
                while at < len(records):
                    record = records[at]
                    kept = batch.append(
                        key=record.key.encode(), value=record.body, timestamp=None, headers=headers_of(record)
                    )
                    if kept is None:
                        break
                    at += 1
                batch.close()
                await (await producer.send_batch(batch, topic, partition=partition))
        except (KafkaError, OSError) as error:
            # A failed batch leaves the producer's own numbering ahead of the broker's: go on with a new producer.
            if self._producer is producer:
                await self.stop()
            raise Unreachable(f"{topic}/{partition} cannot be written: {type(error).__name__}: {error}") from error

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    client_id="almenara",
                    acks="all",
                    enable_idempotence=True,
                    max_batch_size=BATCH_BYTES,
                    max_request_size=MAX_MESSAGE_BYTES,
                    request_timeout_ms=self._timeout_ms,
                )
                try:
                    await producer.start()
                except (KafkaError, OSError) as error:
                    with suppress(KafkaError):
                        await producer.stop()
                    raise Unreachable(f"Kafka at {self._bootstrap} cannot be reached: {error}") from error
                self._producer = producer
            return self._producer
