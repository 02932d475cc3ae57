"""What one process holds of a stream: a taker per assigned partition, and how each is claimed, lost and claimed again.

Every trouble ends the same way: the taker and its state are thrown away, the partition is paused, claimed afresh after
a while, and read again from the position found there. The position in the database is the truth; the offset committed
to Kafka is a hint that may only shorten the way, and is not believed after a gap.

Knows nothing of FastStream, of SQL or of what a taker does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from almenara.adapters.kafka.wire import Message, place_of, record_of
from almenara.domain.errors import Fenced, Gap, Rejected, Unreachable
from almenara.ports.log import Record

BACKOFF_S: Final = 0.2
BACKOFF_MAX_S: Final = 5.0
_REVOKE_S: Final = 10.0

log = logging.getLogger(__name__)


class Taker(Protocol):
    """Whoever takes the records of one partition; made by a claim, thrown away when it is lost."""

    @property
    def after(self) -> int:
        """The last sequence that was taken for good."""

    def take(self, records: Sequence[Record]) -> int:
        """Takes the records that are new. Raises Gap, Fenced or Unreachable; then nothing was written."""


class Consumer(Protocol):
    """What is needed of the Kafka consumer."""

    def pause(self, *partitions: TopicPartition) -> None: ...
    def resume(self, *partitions: TopicPartition) -> None: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    async def committed(self, partition: TopicPartition) -> int | None: ...
    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]: ...


Claim = Callable[[int], Taker]
Reject = Callable[[str, str, str], None]
"""Records a message that is no record: where it stood, the reason's word, what was wrong."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long troubles are borne. `unreachable_s` is for the database; `fenced_s` lets a sleeper find out first."""

    unreachable_s: float = 30.0
    fenced_s: float = 10.0
    gap_tries: int = 5


@dataclass(slots=True)
class _Holding:
    place: TopicPartition
    taker: Taker | None = None
    gaps: int = 0
    stopped: str = ""
    claiming: "asyncio.Task[None] | None" = None


class Holdings:
    """The partitions of one stream that this process holds now."""

    def __init__(
        self,
        stream: str,
        topic: str,
        *,
        claim: Claim,
        reject: Reject,
        taken: Callable[[], None],
        patience: Patience,
        failed: "asyncio.Future[None]",
    ) -> None:
        self._stream = stream
        self._topic = topic
        self._claim = claim
        self._reject = reject
        self._taken = taken
        self._patience = patience
        self._failed = failed
        self._held: dict[int, _Holding] = {}
        self._done: dict[TopicPartition, int] = {}
        # One thread: claims, folds and commits of this process never run at once, as folds may share tables.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"almenara-{stream}")

    @property
    def positions(self) -> dict[int, int]:
        """The last sequence taken, of each partition in hand."""
        return {p: holding.taker.after for p, holding in self._held.items() if holding.taker is not None}

    @property
    def stopped(self) -> dict[int, str]:
        """The partitions that were given up, and why."""
        return {p: holding.stopped for p, holding in self._held.items() if holding.stopped}

    @property
    def offsets(self) -> dict[TopicPartition, int]:
        """The next offset of each partition from which something was taken since it was assigned."""
        return dict(self._done)

    def assigned(self, consumer: Consumer, partitions: Sequence[int]) -> None:
        """Claims these partitions, each in the background; until then they are paused."""
        self._held = {p: _Holding(TopicPartition(self._topic, p)) for p in partitions}
        self._done = {}
        for holding in self._held.values():
            self._claim_later(consumer, holding, 0.0)

    async def revoked_after(self, farewell: Callable[[], Awaitable[None]]) -> None:
        """Drops everything: lets the work in hand come to its end (for a bounded time), says farewell, forgets.

        Takers and their state are thrown away here; whatever still runs is kept from writing by its epoch.
        """
        for holding in self._held.values():
            if holding.claiming is not None:
                holding.claiming.cancel()
        await asyncio.wait([asyncio.get_running_loop().run_in_executor(self._thread, int)], timeout=_REVOKE_S)
        await asyncio.sleep(0)  # whoever waited for that work notes first how far it got
        self._held = {}
        await farewell()

    async def take(self, consumer: Consumer, partition: int, messages: Sequence[Message]) -> None:
        """Hands the records among `messages` to the taker; without one they are left, and will be read again."""
        holding = self._held.get(partition)
        if holding is None or holding.taker is None:
            return
        taker = holding.taker
        # The outcome is looked at, not caught: nothing that goes wrong in there may vanish.
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._take, taker, messages)
        await asyncio.wait([work])
        error = work.exception()
        if self._held.get(partition) is not holding or holding.taker is not taker:
            return
        if error is None:
            holding.gaps = 0
            self._done[holding.place] = messages[-1].offset + 1
            self._taken()
        else:
            self._trouble(consumer, holding, error)

    def close(self) -> None:
        """Lets the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _take(self, taker: Taker, messages: Sequence[Message]) -> int:
        records = []
        for message in messages:
            try:
                records.append(record_of(self._stream, message))
            except Rejected as error:
                log.error("a stranger in the topic: %s", error)
                self._reject(place_of(self._stream, message), error.reason, error.detail)
        return taker.take(records) if records else 0

    def _trouble(self, consumer: Consumer, holding: _Holding, error: BaseException) -> None:
        holding.taker = None
        partition = holding.place.partition
        if isinstance(error, Fenced):
            log.warning("%s/%d belongs to another worker now", self._stream, partition)
            # If Kafka still says it is ours after this while, the other one was the sleeper.
            self._claim_later(consumer, holding, self._patience.fenced_s)
        elif isinstance(error, Gap):
            self._gap(consumer, holding, error)
        elif isinstance(error, Unreachable):
            log.warning("%s/%d: %s", self._stream, partition, error)
            self._claim_later(consumer, holding, BACKOFF_S)
        else:
            self._fail(error)

    def _gap(self, consumer: Consumer, holding: _Holding, error: BaseException) -> None:
        holding.gaps += 1
        holding.taker = None
        if holding.gaps > self._patience.gap_tries:
            self._give_up(consumer, holding, str(error))
            return
        log.error("a gap, try %d: %s", holding.gaps, error)
        self._claim_later(consumer, holding, min(BACKOFF_S * 2**holding.gaps, BACKOFF_MAX_S))

    def _give_up(self, consumer: Consumer, holding: _Holding, why: str) -> None:
        holding.stopped = why
        _pause(consumer, holding.place)
        log.critical("%s/%d is stopped: %s", self._stream, holding.place.partition, why)

    def _claim_later(self, consumer: Consumer, holding: _Holding, delay: float) -> None:
        _pause(consumer, holding.place)
        task = asyncio.ensure_future(self._claimed(consumer, holding, delay))
        task.add_done_callback(self._looked_at)
        holding.claiming = task

    async def _claimed(self, consumer: Consumer, holding: _Holding, delay: float) -> None:
        """Claims after `delay` seconds, again while the database cannot be reached, and sets the partition going."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(delay)
        deadline, backoff = loop.time() + self._patience.unreachable_s, BACKOFF_S
        while True:
            try:
                taker = await loop.run_in_executor(self._thread, self._claim, holding.place.partition)
                offset = await self._offset(consumer, holding, taker.after)
                break
            except Gap as error:
                if self._ours(holding):
                    self._gap(consumer, holding, error)
                return
            except (Unreachable, KafkaError) as error:
                if loop.time() >= deadline:
                    raise Unreachable(f"{self._stream}/{holding.place.partition} cannot be claimed: {error}") from error
                log.warning("claiming %s/%d waits: %s", self._stream, holding.place.partition, error)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, BACKOFF_MAX_S)
        if not self._ours(holding):
            return
        try:
            consumer.seek(holding.place, offset)
            consumer.resume(holding.place)
        except IllegalStateError:
            return  # taken away this very moment; the revocation follows
        holding.taker = taker

    async def _offset(self, consumer: Consumer, holding: _Holding, after: int) -> int:
        """Where to read from, so that `after` + 1 is still to come: never too late, sometimes too early.

        Every sequence has taken at least one offset, so `after` + 1 is not before offset `after`. The committed
        offset was written when everything before it had been taken for good, which is closer after many repeats.
        """
        end = (await consumer.end_offsets([holding.place]))[holding.place]
        if after > end:
            raise Gap(f"{self._stream}/{holding.place.partition} ends at offset {end}, before the position {after}")
        hint = await consumer.committed(holding.place) if not holding.gaps else None
        return hint if hint is not None and after < hint <= end else after

    def _ours(self, holding: _Holding) -> bool:
        return self._held.get(holding.place.partition) is holding

    def _looked_at(self, task: "asyncio.Task[Any]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Ends the process, by way of whoever waits for `failed`: nothing is taken while nobody knows what is wrong."""
        log.critical("%s cannot go on: %s", self._stream, error)
        if not self._failed.done():
            self._failed.set_exception(error)


def _pause(consumer: Consumer, place: TopicPartition) -> None:
    with suppress(IllegalStateError):  # no longer assigned: nothing comes of it either
        consumer.pause(place)
