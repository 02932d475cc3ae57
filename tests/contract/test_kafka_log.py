"""The log as Kafka keeps it: what the relay published is read back, each record once, in order, or it is a Gap."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from almenara.adapters.kafka.publisher import KafkaPublisher
from almenara.adapters.kafka.reader import KafkaLogReader
from almenara.adapters.kafka.relay import Relay
from almenara.adapters.kafka.topics import MAX_MESSAGE_BYTES, Topics
from almenara.adapters.kafka.wire import record_of
from almenara.domain.errors import Gap, Rejected
from almenara.ports.log import BLOBS, EVENTS, GENESIS, Entry, Record
from outbox import Outbox

PARTITIONS = 3


@pytest.fixture
def prefix(kafka_bootstrap: str) -> Iterator[str]:
    prefix = f"t{uuid.uuid4().hex[:8]}."
    with Topics(kafka_bootstrap, prefix=prefix) as topics:
        topics.create(PARTITIONS)
        yield prefix
        topics.delete()


@pytest.fixture
async def publisher(kafka_bootstrap: str, prefix: str) -> AsyncIterator[KafkaPublisher]:
    made = KafkaPublisher(kafka_bootstrap, prefix=prefix)
    yield made
    await made.stop()


@pytest.fixture
def reader(kafka_bootstrap: str, prefix: str) -> Iterator[KafkaLogReader]:
    made = KafkaLogReader(kafka_bootstrap, prefix=prefix)
    yield made
    made.close()


def entries(count: int, stream: str = EVENTS, start: int = 0) -> list[Entry]:
    return [Entry(stream, f"K{n % 7}", f"id-{n}-ñ", f"body {n}".encode()) for n in range(start, start + count)]


async def relayed(outbox: Outbox, publisher: KafkaPublisher, stream: str = EVENTS) -> Relay:
    relay = Relay(stream, outbox=outbox, unit=outbox, publish=publisher.publish, takeover_s=0.2)
    while await relay.step():
        pass
    return relay


def same(reader: KafkaLogReader, outbox: Outbox, stream: str = EVENTS) -> None:
    for partition in range(PARTITIONS):
        end = outbox.end(stream, partition)
        assert reader.read(stream, partition, 0, 10_000) == outbox.read(stream, partition, 0, 10_000)
        assert reader.end(stream, partition) == end
        for after, limit in ((0, 1), (end // 2, 3), (end // 2 + 3, 3), (3, 2), (end - 1, 5), (end, 5), (end + 9, 5)):
            after = max(after, 0)
            assert reader.read(stream, partition, after, limit) == outbox.read(stream, partition, after, limit)


async def test_what_was_appended_is_read_back(publisher: KafkaPublisher, reader: KafkaLogReader) -> None:
    outbox = Outbox(PARTITIONS)
    assert reader.partitions == PARTITIONS
    assert reader.read(EVENTS, 0, 0) == []
    assert reader.end(EVENTS, 0) == 0
    outbox.append(entries(1_700))
    relay = await relayed(outbox, publisher)
    same(reader, outbox)
    outbox.append(entries(40, start=1_700))
    assert await relay.step() == 40
    same(reader, outbox)


async def test_records_larger_than_a_batch_and_empty_ones(publisher: KafkaPublisher, reader: KafkaLogReader) -> None:
    outbox = Outbox(PARTITIONS)
    sizes = (0, 700_000, 3, MAX_MESSAGE_BYTES - 5_000, 1_048_577)
    outbox.append([Entry(BLOBS, "", f"b{size}", b"z" * size, 1) for size in sizes])
    await relayed(outbox, publisher, BLOBS)
    same(reader, outbox, BLOBS)


async def test_two_relays_at_once_do_no_harm(publisher: KafkaPublisher, reader: KafkaLogReader) -> None:
    outbox = Outbox(PARTITIONS)
    outbox.append(entries(4_000))
    stop = asyncio.Event()
    relays = [Relay(EVENTS, outbox=outbox, unit=outbox, publish=publisher.publish, takeover_s=0.2) for _ in range(2)]
    running = [asyncio.create_task(relay.run(stop)) for relay in relays]
    for start in range(4_000, 6_000, 100):
        outbox.append(entries(100, start=start))
        await asyncio.sleep(0.02)
    while outbox.after("relay:events") < 6_000:
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*running)
    same(reader, outbox)


async def test_a_relay_takes_over_from_one_that_died(publisher: KafkaPublisher, reader: KafkaLogReader) -> None:
    outbox = Outbox(PARTITIONS)
    outbox.append(entries(100))
    first = await relayed(outbox, publisher)
    second = await relayed(outbox, publisher)  # claims: the first one is fenced
    outbox.append(entries(100, start=100))
    assert await first.step() == 100  # published, but its position is not written: it stands by
    assert outbox.after("relay:events") == 100
    assert await first.step() == 0
    stop = asyncio.Event()
    running = asyncio.create_task(first.run(stop))  # the second one never moves again
    while outbox.after("relay:events") < 200:
        await asyncio.sleep(0.05)
    stop.set()
    await running
    del second
    same(reader, outbox)


async def test_a_missing_sequence_is_a_gap(publisher: KafkaPublisher, reader: KafkaLogReader) -> None:
    await publisher.publish([Record(EVENTS, 0, n, "", f"e{n}", b"", GENESIS) for n in (1, 2, 4, 5)])
    assert [record.sequence for record in reader.read(EVENTS, 0, 0, 2)] == [1, 2]
    with pytest.raises(Gap, match="events/0/4 follows sequence 2; 3 is missing"):
        reader.read(EVENTS, 0, 2)
    assert [record.sequence for record in reader.read(EVENTS, 0, 0)] == [1, 2]
    with pytest.raises(Gap):
        reader.read(EVENTS, 0, 2)


async def test_strangers_are_passed_over(
    kafka_bootstrap: str, prefix: str, publisher: KafkaPublisher, reader: KafkaLogReader
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    topic = prefix + EVENTS
    await producer.send_and_wait(topic, b"{}", partition=0)
    await producer.send_and_wait(topic, b"{}", key=b"k", partition=0, headers=[("sequence", b"7"), ("bad", b"\xff")])
    await publisher.publish([Record(EVENTS, 0, n, "k", f"e{n}", b"b", GENESIS) for n in (1, 2)])
    await producer.send_and_wait(topic, None, key=b"k", partition=0)
    await producer.stop()
    assert [record.sequence for record in reader.read(EVENTS, 0, 0)] == [1, 2]
    assert reader.end(EVENTS, 0) == 2
    assert [record.sequence for record in reader.read(EVENTS, 0, 1)] == [2]


def test_a_message_that_is_no_record_says_where_it_stands() -> None:
    class Message:
        partition, offset, key, value = 3, 17, b"", b"{}"
        headers = (("sequence", b"\xff"),)

    with pytest.raises(Rejected, match="events/3 at offset 17") as caught:
        record_of(EVENTS, Message())
    assert caught.value.reason == "stranger"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), max_size=8), cut=st.integers(0, 60))
def test_whatever_relays_repeat_each_record_is_read_once(
    kafka_bootstrap: str, runs: list[tuple[int, int]], cut: int
) -> None:
    """Relays repeat runs that start at or before what is known to be published; never after it."""
    prefix, known, order = f"t{uuid.uuid4().hex[:8]}.", 0, []
    for back, count in runs:
        start = max(0, known - back)
        order.append([Record(EVENTS, 0, n + 1, "", f"e{n}", b"%d" % n, GENESIS) for n in range(start, start + count)])
        known = max(known, start + count)

    async def publish() -> None:
        publisher = KafkaPublisher(kafka_bootstrap, prefix=prefix)
        for run in order:
            await publisher.publish(run)
        await publisher.stop()

    with Topics(kafka_bootstrap, prefix=prefix) as topics:
        topics.create(1)
        asyncio.run(publish())
        reader = KafkaLogReader(kafka_bootstrap, prefix=prefix)
        try:
            assert [record.sequence for record in reader.read(EVENTS, 0, 0)] == list(range(1, known + 1))
            assert [record.sequence for record in reader.read(EVENTS, 0, cut, 7)] == list(
                range(cut + 1, min(known, cut + 7) + 1)
            )
            assert reader.end(EVENTS, 0) == known
        finally:
            reader.close()
            topics.delete()
