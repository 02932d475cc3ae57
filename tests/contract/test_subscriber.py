"""The distributed runner on a real broker: exact outputs through every trouble that one process can meet."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from almenara.adapters.kafka.holding import Patience
from almenara.adapters.kafka.inbox import inbox_broker
from almenara.adapters.kafka.publisher import KafkaPublisher
from almenara.adapters.kafka.subscriber import Consuming
from almenara.adapters.kafka.topics import Topics
from almenara.app.distributed import Distributed, group_of, run_processor
from almenara.domain.errors import Refused, Rejected, Unreachable
from almenara.ports.log import ALERTS, EVENTS, REJECTED, Entry
from almenara.ports.unit import Batch
from counting import Counting, bodies
from outbox import Outbox

PARTITIONS = 2
PATIENCE = Patience(unreachable_s=1.0, fenced_s=0.5, gap_tries=1)


@pytest.fixture
def prefix(kafka_bootstrap: str) -> Iterator[str]:
    prefix = f"t{uuid.uuid4().hex[:8]}."
    with Topics(kafka_bootstrap, prefix=prefix) as topics:
        topics.create(PARTITIONS)
        yield prefix
        topics.delete()


class System:
    """One worker process' worth of tasks over an outbox in memory."""

    def __init__(self, bootstrap: str, prefix: str, folder: Path) -> None:
        self.bootstrap, self.prefix = bootstrap, prefix
        self.outbox = Outbox(PARTITIONS)
        self.health = folder / "health.json"

    @asynccontextmanager
    async def running(self, **changed: object) -> AsyncIterator["asyncio.Task[None]"]:
        stop = asyncio.Event()
        how = Distributed(
            writes=(EVENTS, ALERTS, REJECTED),
            health=self.health,
            consuming=Consuming(prefix=self.prefix, patience=PATIENCE, **changed),  # type: ignore[arg-type]
            takeover_s=0.3,
        )
        task = asyncio.create_task(
            run_processor(Counting(), self.outbox, self.bootstrap, partitions=PARTITIONS, stop=stop, how=how)  # type: ignore[arg-type]
        )
        try:
            yield task
        finally:
            stop.set()
            await asyncio.wait([task])

    def append(self, count: int, start: int = 0) -> None:
        self.outbox.append([Entry(EVENTS, f"K{n % 9}", f"e{n}", b"%d" % n) for n in range(start, start + count)])

    def exact(self) -> bool:
        return all(
            [record.body for record in self.outbox.read(ALERTS, partition, 0, 10**6)]
            == bodies(self.outbox.read(EVENTS, partition, 0, 10**6))
            for partition in range(PARTITIONS)
        )

    async def taken(self, count: int) -> None:
        await until(lambda: self.outbox.after(Counting.consumer) >= count)


@pytest.fixture
def system(kafka_bootstrap: str, prefix: str, tmp_path: Path) -> System:
    return System(kafka_bootstrap, prefix, tmp_path)


async def until(what: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.02)


async def test_from_outbox_to_outbox_and_again_after_a_restart(system: System) -> None:
    system.append(1_000)
    async with system.running():
        await system.taken(1_000)
    system.append(500, start=1_000)
    async with system.running():
        await system.taken(1_500)
        await until(
            lambda: system.health.exists() and sum(json.loads(system.health.read_text())["positions"].values()) == 1_500
        )
        assert system.outbox.after("relay:alerts") <= 1_500
    assert system.outbox.after("relay:alerts") == 1_500
    assert system.exact()


async def test_two_workers_share_and_lose_nothing(system: System) -> None:
    async with system.running():
        system.append(500)
        await system.taken(500)
        async with system.running():
            for start in range(500, 2_000, 100):
                system.append(100, start)
                await asyncio.sleep(0.05)
            await system.taken(2_000)
        system.append(100, 2_000)
        await system.taken(2_100)
    assert system.exact()


async def test_the_database_goes_away_and_comes_back(system: System) -> None:
    system.append(200)
    async with system.running() as task:
        await system.taken(200)
        system.append(200, 200)
        system.outbox.down = True
        await asyncio.sleep(0.6)
        system.outbox.down = False
        await system.taken(400)
        assert not task.done()
    assert system.exact()


async def test_a_position_that_cannot_be_claimed_ends_the_process(system: System) -> None:
    system.append(10)
    async with system.running() as task:
        await system.taken(10)
        system.append(10, 10)
        records = [r for p in range(PARTITIONS) for r in system.outbox.read(EVENTS, p, 0)]
        publisher = KafkaPublisher(system.bootstrap, prefix=system.prefix)
        system.outbox.down = True
        await publisher.publish(records)
        await publisher.stop()
        await asyncio.wait([task], timeout=20)
        assert task.done()
        with pytest.raises(Unreachable, match="cannot be claimed"):
            task.result()


async def test_a_worker_fenced_while_it_is_assigned_claims_again(system: System) -> None:
    async with system.running():
        system.append(100)
        await system.taken(100)
        for partition in range(PARTITIONS):  # a sleeper's late claim, after which nothing comes of it
            system.outbox.claim(Counting.consumer, EVENTS, partition)
        system.append(100, 100)
        await system.taken(200)
    assert system.exact()


@pytest.mark.parametrize("offset", [0, 150])
async def test_the_committed_offset_is_only_a_hint(system: System, offset: int) -> None:
    system.append(400)
    async with system.running():
        await system.taken(400)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.bootstrap, group_id=group_of(Counting(), system.prefix), enable_auto_commit=False
    )
    await consumer.start()
    places = [TopicPartition(system.prefix + EVENTS, partition) for partition in range(PARTITIONS)]
    consumer.assign(places)
    await consumer.commit({place: OffsetAndMetadata(offset, "") for place in places})
    await consumer.stop()
    system.append(100, 400)
    async with system.running():
        await system.taken(500)
    assert system.exact()


async def test_an_offset_beyond_the_position_is_a_gap_that_heals(system: System) -> None:
    """As after a database that was restored from a copy: the group is ahead of the position."""
    system.append(300)
    async with system.running():
        await system.taken(300)
        await asyncio.sleep(1.2)  # the offsets are published once a second
    old, system.outbox = system.outbox, Outbox(PARTITIONS)
    system.outbox.append(
        [Entry(r.stream, r.key, r.id, r.body) for p in range(PARTITIONS) for r in old.read(EVENTS, p, 0)]
    )
    system.append(100, 300)
    async with system.running():
        await system.taken(400)
    assert system.exact()


async def test_a_gap_stops_its_partition_and_no_other(system: System, caplog: pytest.LogCaptureFixture) -> None:
    system.append(40)
    first, second = (system.outbox.read(EVENTS, partition, 0) for partition in range(PARTITIONS))
    publisher = KafkaPublisher(system.bootstrap, prefix=system.prefix)
    await publisher.publish([*first, *second[:5], *second[6:]])
    await publisher.stop()
    for partition, records in enumerate((first, second)):
        lease = system.outbox.claim("relay:events", EVENTS, partition)
        system.outbox.commit(lease, Batch(len(records)))
    async with system.running():
        await system.taken(len(first))
        await until(lambda: "is stopped" in caplog.text)
        await until(lambda: list(json.loads(system.health.read_text())["stopped"]) == ["1"])
    assert "6 is missing" in caplog.text
    assert system.outbox.end(ALERTS, 0) == len(first)
    assert system.outbox.end(ALERTS, 1) <= 5


async def test_strangers_are_rejected_once_and_the_partition_goes_on(system: System) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=system.bootstrap)
    await producer.start()
    for _ in range(2):
        await producer.send_and_wait(system.prefix + EVENTS, b"{}", partition=0, headers=[("sequence", b"\xff\xfe")])
    await producer.stop()
    system.append(100)
    async with system.running():
        await system.taken(100)
    async with system.running():
        system.append(10, 100)
        await system.taken(110)
    assert system.exact()
    rejected = [json.loads(r.body) for p in range(PARTITIONS) for r in system.outbox.read(REJECTED, p, 0)]
    assert sorted(item["position"] for item in rejected) == ["events/0 at offset 0", "events/0 at offset 1"]
    assert {item["reason"] for item in rejected} == {"stranger"}


async def test_another_partition_count_is_refused(system: System) -> None:
    with pytest.raises(Refused, match="2 partitions and 5 are set"):
        await run_processor(
            Counting(),
            system.outbox,
            system.bootstrap,
            partitions=5,
            stop=asyncio.Event(),  # type: ignore[arg-type]
        )


async def test_the_inbox_hands_on_bytes_and_asks_again(kafka_bootstrap: str, prefix: str) -> None:
    got: list[bytes] = []

    def take(body: bytes) -> None:
        got.append(body)
        if body == b"bad":
            raise Rejected("undecodable", "not an event")
        if body == b"later" and got.count(b"later") < 3:
            raise Unreachable("the database is down")

    async def sent(*bodies: bytes) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
        await producer.start()
        for body in bodies:
            await producer.send_and_wait(prefix + "inbox", body, headers=[("x", b"\xff")])
        await producer.stop()

    await sent(b"one", b"bad", b"later", b"two")
    for expected in ([b"one", b"bad", b"later", b"later", b"later", b"two"], [b"three"]):
        got.clear()
        broker = inbox_broker(kafka_bootstrap, take, prefix=prefix)
        await broker.start()
        await until(lambda expected=expected: len(got) >= len(expected))  # type: ignore[misc]
        await broker.stop()
        assert sorted(got) == sorted(expected)
        await sent(b"three")
