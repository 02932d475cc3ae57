"""The AsyncAPI document of the topics: what is written where, and with which headers.

FastStream writes the frame (servers, channels, operations); what a message holds is said here once. Knows no broker's
address: the document is about the log, not about one installation.
"""

from typing import Any, Final

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

from almenara.adapters.kafka.topics import INBOX, topic_of
from almenara.ports.log import ALERTS, BLOBS, DELIVERIES, EVENTS, NOTICES, REJECTED

_WHAT: Final = {
    EVENTS: "Everything that can change an outcome, as structured CloudEvents, by country. Only Almenara writes here.",
    ALERTS: "What became of alerts: raised, updated, acknowledged, resolved, retracted; by country.",
    NOTICES: "What each subscriber is to be told, or why not; by subscriber.",
    DELIVERIES: "Attempts to send, and what came of them.",
    REJECTED: "Records that could not be taken, with the reason.",
    BLOBS: "Content named by its SHA-256 (rulesets, audiences), in chunks.",
    INBOX: "CloudEvents from other teams, to be checked, stamped and appended to `events` by ingest.",
}
_CONTENT: Final = {
    EVENTS: "application/cloudevents+json",
    INBOX: "application/cloudevents+json",
    BLOBS: "application/octet-stream",
}
_HEADERS: Final = {
    "type": "object",
    "required": ["sequence", "id", "chain"],
    "properties": {
        "sequence": {"type": "string", "format": "binary", "description": "8 bytes, big-endian: from 1, without gaps"},
        "id": {"type": "string", "description": "UTF-8; unique in the stream for ever"},
        "chain": {"type": "string", "format": "binary", "description": "SHA-256 over the record and the chain before"},
    },
}


def asyncapi_document(version: str = "1") -> dict[str, Any]:
    """The AsyncAPI 3.0 document as plain data; `version` is that of the wire format."""
    broker = KafkaBroker("kafka:9092", logger=None, apply_types=False)
    for name, what in _WHAT.items():
        broker.publisher(topic_of(name), title=name, description=what, schema=dict[str, Any])
    described = AsyncAPI(broker, title="Almenara", version=version, description="The log of Almenara in Kafka")
    document: dict[str, Any] = described.to_specification().to_jsonable()
    for key, message in document["components"]["messages"].items():
        stream = key.partition(":")[0]
        message["contentType"] = _CONTENT.get(stream, "application/json")
        if stream != INBOX:
            message["headers"] = _HEADERS
    document["components"] = {part: _sorted(document["components"][part]) for part in _sorted(document["components"])}
    return {**document, "channels": _sorted(document["channels"]), "operations": _sorted(document["operations"])}


def _sorted(mapping: dict[str, Any]) -> dict[str, Any]:
    # FastStream keeps its publishers in a set: the order would change from run to run.
    return {key: mapping[key] for key in sorted(mapping)}
