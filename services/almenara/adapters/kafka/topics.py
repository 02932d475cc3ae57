"""The topics: names, creation, the check that nothing may ever be dropped from them, and lag.

Knows nothing of records. Refuses what would make the log forget: finite retention, compaction, another partition count.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError, TopicAlreadyExistsError

from almenara.domain.errors import Refused, Unreachable
from almenara.ports.log import STREAMS
from kafka import TopicPartition

PREFIX: Final = "almenara."
INBOX: Final = "inbox"
MAX_MESSAGE_BYTES: Final = 8_388_608
"""The largest message a topic of ours takes, in bytes."""

_FOR_EVER: Final[Mapping[str, str]] = {
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "cleanup.policy": "delete",
    "max.message.bytes": str(MAX_MESSAGE_BYTES),
}
_RETRY_S: Final = 0.2
_CHECKED: Final = ("retention.ms", "retention.bytes", "cleanup.policy")


def topic_of(stream: str, prefix: str = PREFIX) -> str:
    """The topic of a stream (or of the inbox): `almenara.events`."""
    return prefix + stream


class Topics:
    """Creates and checks the topics, and tells how far they and their readers are. Raises Unreachable."""

    def __init__(self, bootstrap: str, *, prefix: str = PREFIX, reach_s: float = 15.0) -> None:
        self._prefix = prefix
        self._reach_s = reach_s
        try:
            self._admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=int(reach_s * 1000))
        except KafkaError as error:
            raise Unreachable(f"Kafka at {bootstrap} cannot be reached: {error}") from error

    def __enter__(self) -> "Topics":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def create(self, partitions: int, *, replicas: int = -1) -> list[str]:
        """Creates the topics that are missing, kept for ever, and returns their names; -1 = the broker's default."""
        present = set(self._described())
        missing = [name for name in (topic_of(s, self._prefix) for s in (*STREAMS, INBOX)) if name not in present]
        if not missing:
            return []
        wanted = {
            name: {"num_partitions": partitions, "replication_factor": replicas, "configs": dict(_FOR_EVER)}
            for name in missing
        }

        def create() -> None:
            with suppress(TopicAlreadyExistsError):  # another process of ours was quicker
                self._admin.create_topics(wanted)
            self._admin.wait_for_topics(missing)

        self._asked(create, "the topics cannot be created")
        return missing

    def check(self, partitions: int) -> None:
        """Raises Refused, with the cure, for a topic that is missing, may forget, or has another partition count."""
        described = self._described()
        names = [topic_of(stream, self._prefix) for stream in STREAMS]
        faults = []
        if missing := [name for name in names if name not in described]:
            faults.append(f"{', '.join(missing)} missing; create the topics with `almenara migrate`")
        if other := {f"{name}={described[name]}" for name in names if described.get(name, partitions) != partitions}:
            faults.append(
                f"partitions are {', '.join(sorted(other))} and {partitions} are set; the count is fixed for ever: set "
                "the one the log was created with, or start a new log"
            )
        for name, config in self._configs(names).items():
            faults += [
                f"{name} has {key}={config[key]}, so records would be lost; set {key}={_FOR_EVER[key]} on the topic"
                for key in _CHECKED
                if config.get(key, _FOR_EVER[key]) != _FOR_EVER[key]
            ]
        if faults:
            raise Refused("; ".join(faults))

    def ends(self, stream: str) -> dict[int, int]:
        """The next offset of each partition: how many messages it holds."""
        name = topic_of(stream, self._prefix)
        count = self._described().get(name, 0)
        asked = {TopicPartition(name, partition): OffsetSpec.LATEST for partition in range(count)}
        found = self._asked(lambda: self._admin.list_partition_offsets(asked), f"the ends of {name} cannot be read")
        return {place.partition: end.offset for place, end in found.items()}

    def offsets(self, group: str, stream: str) -> dict[int, int]:
        """The offsets a group has committed, for displays only: what counts is the position in the database."""
        name = topic_of(stream, self._prefix)
        found = self._asked(lambda: self._admin.list_group_offsets(group), f"the offsets of {group} cannot be read")
        mine = found.get(group, {})
        return {place.partition: at.offset for place, at in mine.items() if place.topic == name and at.offset >= 0}

    def lag(self, group: str, stream: str) -> dict[int, int]:
        """How many messages each partition holds that the group has not yet taken."""
        done = self.offsets(group, stream)
        return {partition: end - done.get(partition, 0) for partition, end in self.ends(stream).items()}

    def delete(self) -> None:
        """Deletes every topic of this prefix, and with them the log; for tests and for a log given up."""
        present = set(self._described())
        ours = [name for name in (topic_of(s, self._prefix) for s in (*STREAMS, INBOX)) if name in present]
        if ours:
            self._admin.delete_topics(ours)

    def close(self) -> None:
        """Lets go of the connection."""
        self._admin.close()

    def _described(self) -> dict[str, int]:
        found: list[dict[str, Any]] = self._asked(self._admin.describe_topics, "the topics cannot be read")
        return {t["name"]: len(t["partitions"]) for t in found if t["name"].startswith(self._prefix)}

    def _configs(self, names: list[str]) -> dict[str, dict[str, str]]:
        present = self._described()
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names if name in present]
        if not asked:
            return {}
        describe = partial(self._admin.describe_configs, asked, config_filter="all")
        found = self._asked(describe, "the settings of the topics cannot be read")
        return {
            name: {key: str(data["value"]) for key, data in config.items()} for name, config in found["topic"].items()
        }

    def _asked(self, question: Callable[[], Any], trouble: str) -> Any:
        """What the broker answers, asked again for a while when it says that it cannot answer yet."""
        until = time.monotonic() + self._reach_s
        while True:
            try:
                return question()
            except KafkaError as error:
                if not error.retriable or time.monotonic() > until:
                    raise Unreachable(f"{trouble}: {error}") from error
            time.sleep(_RETRY_S)
