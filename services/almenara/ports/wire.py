"""The bytes of a record: how events, alert changes, notices and deliveries are written in the log.

JSON, one spelling only (fields in order, times in UTC with `Z`), so that the same record is the same bytes everywhere.
Old versions of events are raised here by upcasters, before anything else sees them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from almenara.domain.alert import AlertChanged
from almenara.domain.audience import Audience
from almenara.domain.errors import Rejected
from almenara.domain.event import SCHEMA_VERSION, Event, event_of
from almenara.domain.notice import Beacon, Delivery, DigestNotice, Notice, OperatorNotice, Sendable
from almenara.ports.upcast import upcast


class _Envelope(msgspec.Struct, kw_only=True, gc=False, omit_defaults=True):
    """A CloudEvent in structured mode; names are the wire's."""

    specversion: str
    id: str
    source: str
    type: str
    time: datetime
    recorded: datetime
    country: str
    data: dict[str, Any]
    until: datetime | None = None
    subject: str = ""
    observation: str = ""
    schemaversion: int = 1


class _About(msgspec.Struct, gc=False):
    """What tells apart the things that are sent."""

    about: str = ""


_T = TypeVar("_T")

_decoder = msgspec.json.Decoder(_Envelope)
_encoder = msgspec.json.Encoder()
_ordered = msgspec.json.Encoder(order="sorted")
_changed = msgspec.json.Decoder(AlertChanged)
_notice = msgspec.json.Decoder(Notice)
_delivery = msgspec.json.Decoder(Delivery)
_audience = msgspec.json.Decoder(Audience)
_about = msgspec.json.Decoder(_About)
_sendables: Mapping[str, "msgspec.json.Decoder[Any]"] = {
    "": _notice,
    "digest": msgspec.json.Decoder(DigestNotice),
    "beacon": msgspec.json.Decoder(Beacon),
    "refusal": msgspec.json.Decoder(OperatorNotice),
    "silence": msgspec.json.Decoder(OperatorNotice),
}


def encode_event(event: Event) -> bytes:
    """The event as a structured CloudEvent; its position is not part of it."""
    return _encoder.encode(
        _Envelope(
            specversion="1.0",
            id=event.id,
            source=event.source,
            type=event.type,
            time=event.time,
            recorded=event.recorded,
            country=event.country,
            data=sorted_data(event.data),
            until=event.until,
            subject=event.subject,
            observation=event.observation,
            schemaversion=event.schemaversion,
        )
    )


def decode_event(body: bytes, position: str = "") -> Event:
    """The event of a record, raised to the current version. Raises Rejected (`undecodable`) for anything else."""
    try:
        raw = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("undecodable", str(error)) from error
    version, data, until = raw.schemaversion, raw.data, raw.until
    time, recorded = raw.time, raw.recorded
    if version > SCHEMA_VERSION:
        raise Rejected("newer_schema", f"schema version {version}; this release reads up to {SCHEMA_VERSION}")
    return event_of(
        uid=raw.id,
        source=raw.source,
        type_=raw.type,
        time=time if time.tzinfo is UTC else _utc(time),
        recorded=recorded if recorded.tzinfo is UTC else _utc(recorded),
        country=raw.country,
        data=data if version == SCHEMA_VERSION else upcast(raw.type, version, data),
        until=_utc(until) if until else None,
        subject=raw.subject,
        observation=raw.observation,
        position=position,
    )


def encode(value: Any) -> bytes:
    """Any domain value as JSON with sorted keys."""
    return _ordered.encode(value)


def plain(value: Any) -> Any:
    """Any domain value as plain dictionaries, lists and strings."""
    return msgspec.to_builtins(value)


def is_event(body: bytes) -> bool:
    """Whether a body is an event's: in `alerts` and `notices` it is something that was passed on."""
    return body.startswith(b'{"specversion"')


def decode_changed(body: bytes) -> AlertChanged:
    """A record of `alerts`. Raises Rejected (`undecodable`)."""
    return _decode(_changed, body)


def decode_alerts(body: bytes, position: str = "") -> AlertChanged | Event:
    """A record of `alerts`: a change of an alert, or what the rules service passed on (a tick, an activation ...)."""
    return decode_event(body, position) if is_event(body) else decode_changed(body)


def decode_notice(body: bytes) -> Notice:
    """A record of `notices`. Raises Rejected (`undecodable`)."""
    return _decode(_notice, body)


def decode_notices(body: bytes, position: str = "") -> Notice | OperatorNotice | Event:
    """A record of `notices`: a decision, what an author of a silence is told, or a tick or activation passed on."""
    if is_event(body):
        return decode_event(body, position)
    found = decode_send(body)
    if not isinstance(found, Notice | OperatorNotice):
        raise Rejected("undecodable", f"a {found.about} is no record of notices")
    return found


def decode_send(body: bytes) -> Sendable:
    """The body of a send: a notice, a digest, what the operator is told, or the beacon. Raises Rejected."""
    about = _decode(_about, body).about if body.startswith(b'{"about":') else ""
    if about not in _sendables:
        raise Rejected("undecodable", f"nothing that is sent is about {about!r}")
    found: Sendable = _decode(_sendables[about], body)
    return found


def decode_delivery(body: bytes) -> Delivery:
    """A record of `deliveries`. Raises Rejected (`undecodable`)."""
    return _decode(_delivery, body)


def decode_audience(body: bytes) -> Audience:
    """An audience blob. Raises Rejected (`undecodable`)."""
    return _decode(_audience, body)


def sorted_data(value: Any) -> Any:
    """The same JSON value with the keys of every object in order."""
    if isinstance(value, Mapping):
        return {key: sorted_data(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [sorted_data(item) for item in value]
    return value


def _decode(decoder: "msgspec.json.Decoder[_T]", body: bytes) -> _T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("undecodable", str(error)) from error


def _utc(moment: datetime) -> datetime:
    zone = moment.tzinfo
    if zone is UTC:
        return moment
    return moment.astimezone(UTC) if zone else moment.replace(tzinfo=UTC)
