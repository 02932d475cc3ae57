"""The topics: made to keep everything, refused when they would forget, lag told."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from almenara.adapters.kafka.publisher import KafkaPublisher
from almenara.adapters.kafka.topics import PREFIX, Topics, topic_of
from almenara.domain.errors import Refused
from almenara.ports.log import ALERTS, EVENTS, GENESIS, Record

SERVICES = Path(__file__).parents[2] / "services"


@pytest.fixture
def prefix() -> str:
    return f"t{uuid.uuid4().hex[:8]}."


@pytest.fixture
def topics(kafka_bootstrap: str, prefix: str) -> Iterator[Topics]:
    with Topics(kafka_bootstrap, prefix=prefix) as made:
        yield made
        made.delete()


@pytest.fixture
def admin(kafka_bootstrap: str) -> Iterator[KafkaAdminClient]:
    made = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    yield made
    made.close()


def test_names() -> None:
    assert topic_of(EVENTS) == "almenara.events"
    assert PREFIX == "almenara."


def test_created_once_and_found_good(topics: Topics, prefix: str) -> None:
    created = topics.create(3)
    assert sorted(created) == sorted(
        prefix + name for name in ("events", "alerts", "notices", "deliveries", "rejected", "blobs", "inbox")
    )
    assert topics.create(3) == []
    topics.check(3)


def test_a_missing_topic_is_named_with_its_cure(topics: Topics, prefix: str) -> None:
    with pytest.raises(Refused, match=rf"{prefix}events.* missing; create the topics"):
        topics.check(3)


def test_another_partition_count_is_refused(topics: Topics) -> None:
    topics.create(3)
    with pytest.raises(Refused, match="3 and 8 are set; the count is fixed"):
        topics.check(8)


@pytest.mark.parametrize("stream", ["events", "alerts", "notices", "deliveries"])
@pytest.mark.parametrize(
    ("key", "value"),
    [("retention.ms", "604800000"), ("retention.bytes", "1000000"), ("cleanup.policy", "compact")],
)
def test_a_topic_that_would_forget_is_refused(
    topics: Topics, admin: KafkaAdminClient, prefix: str, stream: str, key: str, value: str
) -> None:
    topics.create(1)
    topic = prefix + stream
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={key: value})])
    for _ in range(100):  # the broker answers before it knows of the change itself
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
        if found["topic"][topic][key]["value"] == value:
            break
        time.sleep(0.1)
    with pytest.raises(Refused) as caught:
        topics.check(1)
    assert f"{prefix}{stream} has {key}={value}" in str(caught.value)
    assert f"set {key}=" in str(caught.value)


async def test_ends_and_lag(kafka_bootstrap: str, topics: Topics, prefix: str) -> None:
    topics.create(2)
    publisher = KafkaPublisher(kafka_bootstrap, prefix=prefix)
    await publisher.publish([Record(ALERTS, 1, n, "PER", f"a{n}", b"x", GENESIS) for n in (1, 2, 3)])
    await publisher.stop()
    assert topics.ends(ALERTS) == {0: 0, 1: 3}
    assert topics.offsets("nobody", ALERTS) == {}
    assert topics.lag("nobody", ALERTS) == {0: 0, 1: 3}


def test_a_broker_that_is_not_there_is_unreachable() -> None:
    # In a process of its own: the client leaves the socket of its failed attempt to the collector, which would warn.
    program = "from almenara.adapters.kafka.topics import Topics; Topics('127.0.0.1:1', reach_s=0.5)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SERVICES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "almenara.domain.errors.Unreachable: Kafka at 127.0.0.1:1 cannot be reached" in done.stderr
