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
_SEQUENCE_BYTES: Final = 8
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
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


def headers_of(record: Record) -> Headers:
    """The headers of a record: `sequence` (8 bytes, big-endian), `id` (UTF-8) and `chain` (32 bytes)."""
    headers = [
        (_SEQUENCE, record.sequence.to_bytes(_SEQUENCE_BYTES, "big")),
        (_ID, record.id.encode()),
        (_CHAIN, record.chain),
    ]
    if record.stream == EVENTS:
        headers.append(_CONTENT_TYPE)
    return headers


def record_of(stream: str, message: Message) -> Record:
    """The record in a message. Raises Rejected (`stranger`) for a message that no relay of ours wrote."""
    headers = dict(message.headers)
    sequence, id_, chain = headers.get(_SEQUENCE), headers.get(_ID), headers.get(_CHAIN)
    key, body = message.key, message.value
    if sequence is None or id_ is None or chain is None or key is None or body is None:
        raise Rejected(STRANGER, f"{place_of(stream, message)} lacks the headers of a record")
    if len(sequence) != _SEQUENCE_BYTES or len(chain) != _CHAIN_BYTES:
        raise Rejected(STRANGER, f"{place_of(stream, message)} has headers that are not a record's")
    try:
        return Record(
            stream, message.partition, int.from_bytes(sequence, "big"), key.decode(), id_.decode(), body, chain
        )
    except UnicodeDecodeError as error:
        raise Rejected(STRANGER, f"{place_of(stream, message)} has a key or id that is not UTF-8") from error


def place_of(stream: str, message: Message) -> str:
    """Where a message that is no record stands, as people read it: `events/3 at offset 17`."""
    return f"{stream}/{message.partition} at offset {message.offset}"
