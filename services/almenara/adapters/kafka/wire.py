"""A record as a Kafka message and back: value = body, key = key, three binary headers for its place in the log.

The stream and the partition are the topic's. The offset is not the sequence: a relay may publish a record twice.
Knows no client library; both give messages with these five attributes.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from almenara.domain.errors import Rejected
from almenara.ports.log import EVENTS, Record

STRANGER: Final = "stranger"
Headers = list[tuple[str, bytes]]

_SEQUENCE: Final = "sequence"
_ID: Final = "id"
_CHAIN: Final = "chain"
_CHAIN_BYTES: Final = 32
# What the CloudEvents binding for Kafka asks of structured mode, so that any CloudEvents library reads `events`.
_CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json")


class Message(Protocol):
    """What both Kafka libraries give for one message."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


def headers_of(record: Record) -> Headers:
    """The headers of a record: `sequence` (8 bytes, big-endian), `id` (UTF-8) and `chain` (32 bytes)."""
    headers = [(_SEQUENCE, record.sequence.to_bytes(8, "big")), (_ID, record.id.encode()), (_CHAIN, record.chain)]
    if record.stream == EVENTS:
        headers.append(_CONTENT_TYPE)
    return headers


def record_of(stream: str, message: Message) -> Record:
    """The record in a message. Raises Rejected (`stranger`) for a message that no relay of ours wrote."""
    sequence, id_, chain = b"", None, b""
    for name, value in message.headers:
        if name == _SEQUENCE:
            sequence = value
        elif name == _ID:
            id_ = value
        elif name == _CHAIN:
            chain = value
    if (
        message.value is None
        or message.key is None
        or id_ is None
        or sequence is None
        or chain is None
        or len(sequence) != 8
        or len(chain) != _CHAIN_BYTES
    ):
        raise Rejected(STRANGER, f"{place_of(stream, message)} lacks the headers of a record")
    try:
        return Record(
            stream=stream,
            partition=message.partition,
            sequence=int.from_bytes(sequence, "big"),
            key=message.key.decode(),
            id=id_.decode(),
            body=bytes(message.value),
            chain=bytes(chain),
        )
    except UnicodeDecodeError as error:
        raise Rejected(STRANGER, f"{place_of(stream, message)} has a key or id that is not UTF-8") from error


def place_of(stream: str, message: Message) -> str:
    """Where a message that is no record stands, as people read it: `events/3 at offset 17`."""
    return f"{stream}/{message.partition} at offset {message.offset}"
