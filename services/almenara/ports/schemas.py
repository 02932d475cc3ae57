"""The schemas that are shipped: JSON Schema 2020-12 of every record, and the AsyncAPI 3.0 document of the channels.

Made from `ports.shapes` and the domain's own classes, so that they cannot drift apart; `cli.schemas` writes them.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from almenara.domain.alert import Alert, AlertChanged, Evidence, Reading, Search
from almenara.domain.event import AUDIENCE, BEACON, EVENT_TYPES, FOR_NOTIFIER, SCHEMA_VERSION, TICK
from almenara.domain.notice import Delivery, Notice
from almenara.ports.log import ALERTS, BLOBS, DELIVERIES, EVENTS, NOTICES, REJECTED
from almenara.ports.shapes import SHAPES, Refusal

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
INBOX: Final = "inbox"
PREFIX: Final = "almenara."
_REF: Final = "#/$defs/{name}"
_JSON: Final = "application/json"
_CLOUDEVENT: Final = "application/cloudevents+json"

_RECORDS: Final[Mapping[str, tuple[type, str]]] = {
    ALERTS: (AlertChanged, "One change of an alert, and the alert as it stands after it."),
    NOTICES: (Notice, "The decision for one alert change and one subscriber."),
    DELIVERIES: (Delivery, "One step of one attempt to send."),
    REJECTED: (Refusal, "Something that could not be taken, and why."),
}
_CHANNELS: Final[Mapping[str, tuple[str, str]]] = {
    EVENTS: (
        "country; empty for ticks and activations",
        "Everything that can change an outcome. Only Almenara writes.",
    ),
    ALERTS: (
        "country; empty for what is passed on",
        "What became of alerts; and what decides who is told: the clock by the minute, audiences, silences.",
    ),
    NOTICES: (
        "subscriber; empty for what is passed on",
        "What each subscriber is to be told, or why not; and the clock and the audiences.",
    ),
    DELIVERIES: ("subscriber", "Attempts to send, and what came of them."),
    REJECTED: ("the key of what was refused", "What could not be taken, with the reason."),
    BLOBS: ("SHA-256 of the whole content, in hexadecimal", "Rulesets and audiences, in chunks."),
    INBOX: ("any", "CloudEvents of other teams: checked, stamped and appended to events by ingest."),
}

_MOMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    kind.__name__: tuple(field.name for field in dataclasses.fields(kind) if "datetime" in str(field.type))
    for kind in (Alert, AlertChanged, Delivery, Evidence, Notice, Reading, Search)
}


def schemas() -> dict[str, Schema]:
    """JSON Schemas by name: one for each event type (the whole CloudEvent), and one for each other stream's records."""
    found = {name: _event_schema(name) for name in EVENT_TYPES}
    return found | {stream: _record_schema(stream) for stream in _RECORDS}


def asyncapi() -> Schema:
    """The AsyncAPI 3.0 document; messages refer to the schema files beside it. It names no server."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Almenara",
            "version": str(SCHEMA_VERSION),
            "description": "The log of Almenara as Kafka topics. Keys decide partitions; order holds in a partition.",
        },
        "defaultContentType": _JSON,
        "channels": {stream: _channel(stream) for stream in _CHANNELS},
        "operations": {stream: _operation(stream) for stream in _CHANNELS},
        "components": {"messages": _messages(), "schemas": {"headers": _headers()}},
    }


def _event_schema(name: str) -> Schema:
    (data,), defs = _components([SHAPES[name]])
    own = defs.get(SHAPES[name].__name__, {})
    return {
        "$schema": DIALECT,
        "$id": f"{name}.json",
        "title": name,
        "description": own.get("description", ""),
        "type": "object",
        "properties": {**_envelope(), "type": {"const": name}, "data": data},
        "required": ["specversion", "id", "source", "type", "time", "recorded", "country", "data"],
        "$defs": defs,
    }


def _record_schema(stream: str) -> Schema:
    kind, what = _RECORDS[stream]
    (top,), defs = _components([kind])
    return {"$schema": DIALECT, "$id": f"{stream}.json", "title": stream, "description": what, **top, "$defs": defs}


def _components(kinds: Sequence[type]) -> tuple[tuple[Schema, ...], Schema]:
    tops, defs = msgspec.json.schema_components(kinds, ref_template=_REF)
    for name, schema in defs.items():
        schema.pop("title", None)  # msgspec names the class, which the key does already
        for moment in _MOMENTS.get(name, ()):
            _mark_moment(schema["properties"][moment])
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
    return tops, defs


def _mark_moment(schema: Schema) -> None:
    # msgspec gives a format only to moments that it was told to be aware; ours all are.
    for part in schema.get("anyOf", [schema]):
        if part.get("type") == "string":
            part["format"] = "date-time"


def _envelope() -> Schema:
    """The CloudEvents attributes and our extensions. `sequence` is the log's own, outside the body."""
    text = {"type": "string", "minLength": 1}
    moment = {"type": "string", "format": "date-time"}
    return {
        "specversion": {"const": "1.0"},
        "id": {**text, "description": "Derived from content, unique for ever: the same again is dropped."},
        "source": {**text, "description": "Who says it."},
        "type": text,
        "time": {**moment, "description": "When it happened, or began to."},
        "until": {**moment, "description": "The end (not included), where only an interval such as a day is known."},
        "recorded": {**moment, "description": "When it became known."},
        "country": {
            "type": "string",
            "pattern": "^[A-Z]{3}$",
            "description": "ISO 3166 alpha-3, the key of the partition; ZZZ for none.",
        },
        "subject": {"type": "string"},
        "observation": {
            "type": "string",
            "description": "Shared by the copies of one observation for several countries.",
        },
        "schemaversion": {
            "type": "integer",
            "minimum": 1,
            "maximum": SCHEMA_VERSION,
            "default": 1,
            "description": f"The version of `data`; older ones than {SCHEMA_VERSION} are raised when they are read.",
        },
    }


def _headers() -> Schema:
    return {
        "type": "object",
        "required": ["sequence", "id", "chain"],
        "properties": {
            "sequence": {
                "type": "string",
                "format": "binary",
                "description": "8 bytes, big-endian: the place in the partition, from 1, without gaps",
            },
            "id": {"type": "string", "description": "UTF-8; unique in the stream for ever"},
            "chain": {
                "type": "string",
                "format": "binary",
                "description": "32 bytes: SHA-256 over the record and the chain of the one before it",
            },
        },
    }


def _messages() -> Schema:
    events = {name: _message(name, _CLOUDEVENT, name) for name in EVENT_TYPES}
    records = {stream: _message(stream, _JSON, stream) for stream in _RECORDS}
    chunk = {
        "name": "chunk",
        "contentType": "application/octet-stream",
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"type": "string", "format": "binary", "description": "header id: <sha256>/<number>/<how many>"},
    }
    item = {
        "name": "item",
        "contentType": _CLOUDEVENT,
        "payload": {
            "type": "object",
            "properties": {**_envelope(), "data": {"type": "object"}},
            "required": ["specversion", "id", "source", "type"],
            "description": "A CloudEvent in structured mode, or a list of them; what is left out is stamped by ingest.",
        },
    }
    return {**events, **records, "chunk": chunk, "item": item}


def _message(name: str, content_type: str, schema: str) -> Schema:
    return {
        "name": name,
        "contentType": content_type,
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {
            "schemaFormat": f"application/schema+json;version={DIALECT}",
            "schema": {"$ref": f"./{schema}.json"},
        },
    }


def _names(stream: str) -> list[str]:
    """The messages of a channel."""
    named = {EVENTS: [*EVENT_TYPES], ALERTS: [ALERTS, TICK, *FOR_NOTIFIER], NOTICES: [NOTICES, TICK, AUDIENCE, BEACON]}
    named |= {BLOBS: ["chunk"], INBOX: ["item"]}
    return named.get(stream, [stream])


def _channel(stream: str) -> Schema:
    key, what = _CHANNELS[stream]
    described = {"description": f"{what} Key: {key}.", "bindings": {"kafka": {"topic": PREFIX + stream}}}
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in _names(stream)}
    return {"address": PREFIX + stream, "title": stream, **described, "messages": messages}


def _operation(stream: str) -> Schema:
    # Operations are told from Almenara's side: it takes from the inbox, and sends everything else.
    return {
        "action": "receive" if stream == INBOX else "send",
        "channel": {"$ref": f"#/channels/{stream}"},
        "messages": [{"$ref": f"#/channels/{stream}/messages/{name}"} for name in _names(stream)],
    }
